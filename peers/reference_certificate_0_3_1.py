#!/usr/bin/env python3
"""The command line of release 0.3.1 of the reference, offline, with a certificate method that works.

    reference_certificate_0_3_1.py sign|verify certificate ...

As released, neither half of it can run: signing misspells a field of the protobuf, and verifying
looks for its own helper in a module of `cryptography`.
"""

import sys
from types import SimpleNamespace

from model_signing import signing
from model_signing._cli import main
from model_signing._signing import sign_certificate, sign_ec_key

protobuf = sign_certificate.common_pb
sign_certificate.common_pb = SimpleNamespace(
    X509Certificate=lambda raw_byutes: protobuf.X509Certificate(raw_bytes=raw_byutes),
    X509CertificateChain=protobuf.X509CertificateChain,
)
sign_certificate.ec.key = sign_ec_key
signing.Config.use_sigstore_signer = lambda self, **options: self

sys.exit(main(prog_name="model_signing"))
