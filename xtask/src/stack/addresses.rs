//! Where the servers listen: on loopback, on ports that were free.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

/// The name that every URL has, which is the log's name too.
pub(super) const HOST: &str = "localhost";

/// A port for each server, and for what servers insist on serving besides.
pub(super) struct Addresses {
    pub(super) fulcio: u16,
    pub(super) fulcio_grpc: u16,
    pub(super) fulcio_metrics: u16,
    pub(super) rekor: u16,
    pub(super) rekor_grpc: u16,
    pub(super) rekor_metrics: u16,
    pub(super) tsa: u16,
    pub(super) ctlog: u16,
    pub(super) issuer: u16,
}

impl Addresses {
    /// Picks ports that are free now, and may not be when a server takes them.
    pub(super) fn pick(issuer: u16) -> io::Result<Self> {
        // All are held until the last is found, or one could be found twice.
        let held = (0..8).map(|_| listen()).collect::<io::Result<Vec<TcpListener>>>()?;
        let mut ports = held.iter().map(port);
        let mut next = || ports.next().unwrap_or_else(|| Err(io::ErrorKind::AddrNotAvailable.into()));
        Ok(Self {
            fulcio: next()?,
            fulcio_grpc: next()?,
            fulcio_metrics: next()?,
            rekor: next()?,
            rekor_grpc: next()?,
            rekor_metrics: next()?,
            tsa: next()?,
            ctlog: next()?,
            issuer,
        })
    }

    pub(super) fn fulcio_url(&self) -> String {
        url(self.fulcio)
    }

    pub(super) fn rekor_url(&self) -> String {
        url(self.rekor)
    }

    /// Whole, as clients want it.
    pub(super) fn tsa_url(&self) -> String {
        format!("{}/api/v1/timestamp", url(self.tsa))
    }

    pub(super) fn ctlog_url(&self) -> String {
        url(self.ctlog)
    }

    pub(super) fn issuer_url(&self) -> String {
        url(self.issuer)
    }
}

pub(super) fn url(port: u16) -> String {
    format!("http://{HOST}:{port}")
}

/// Listens on a free port.
pub(super) fn listen() -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
}

pub(super) fn port(listener: &TcpListener) -> io::Result<u16> {
    Ok(listener.local_addr()?.port())
}
