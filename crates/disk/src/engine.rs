//! The hash engine: threads that take tasks, and keep two streams in flight each.

use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use rustix::fs::fstat;

use crate::error::shown;
use crate::file::open_for_reading;
use crate::hash::update_all;
use crate::measure::{Piece, Task};
use crate::model::Kind;
use crate::open::Opener;
use crate::stamp::Stamp;
use crate::stream::Stream;
use crate::{DiskError, FoundFile, Links, MeasureOptions, Model, Observer};

/// More threads than this only wait for each other.
const MAX_JOBS: usize = 256;
/// Small files are taken so many at once: asking for each would cost as much as hashing it.
const BATCH: usize = 32;
/// Bytes in a small one.
const SMALL: u64 = 64 * 1024;

pub(crate) struct Engine<'a> {
    pub(crate) model: &'a Model,
    pub(crate) files: &'a [&'a FoundFile],
    pub(crate) links: Links,
    pub(crate) options: &'a MeasureOptions<'a>,
    pub(crate) observer: &'a dyn Observer,
}

/// What is left to do, and how many workers have nothing to do.
struct Queue {
    next: usize,
    idle: usize,
}

/// What all workers found until now; the error of one outweighs the cancellation that it
/// causes in the others.
type Done = Result<Vec<(usize, Piece)>, DiskError>;

impl Engine<'_> {
    /// Each task's number with what it came to, in any order.
    pub(crate) fn run(&self, tasks: &[Task]) -> Done {
        let workers = self.workers(tasks);
        let queue = Mutex::new(Queue { next: 0, idle: workers });
        let stop = AtomicBool::new(false);
        let done: Mutex<Done> = Mutex::new(Ok(Vec::with_capacity(tasks.len())));
        let work = || {
            let mut worker = Worker::new(self, tasks, &queue, &stop);
            let outcome = worker.work();
            stop.fetch_or(outcome.is_err(), Ordering::Relaxed);
            gather(&done, worker.pieces, outcome);
        };
        thread::scope(|scope| {
            for spawned in 1..workers {
                // With fewer threads than were asked for, the work gets done all the same.
                if thread::Builder::new().spawn_scoped(scope, work).is_err() {
                    locked(&queue).idle -= workers - spawned;
                    break;
                }
            }
            work();
        });
        done.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn workers(&self, tasks: &[Task]) -> usize {
        self.options.jobs.get().min(tasks.len()).clamp(1, MAX_JOBS)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn gather(done: &Mutex<Done>, pieces: Vec<(usize, Piece)>, outcome: Result<(), DiskError>) {
    let mut done = locked(done);
    match (done.as_mut(), outcome) {
        (Ok(all), Ok(())) => all.extend(pieces),
        (Ok(_) | Err(DiskError::Cancelled), Err(error)) => *done = Err(error),
        (Err(_), _) => {}
    }
}

struct Worker<'a> {
    engine: &'a Engine<'a>,
    tasks: &'a [Task],
    queue: &'a Mutex<Queue>,
    stop: &'a AtomicBool,
    opener: Option<Opener<'a>>,
    /// Small tasks that this worker took and did not begin.
    batch: Range<usize>,
    pieces: Vec<(usize, Piece)>,
}

impl<'a> Worker<'a> {
    fn new(engine: &'a Engine<'a>, tasks: &'a [Task], queue: &'a Mutex<Queue>, stop: &'a AtomicBool) -> Self {
        let opener = match engine.model.kind() {
            Kind::Directory { root, hub } => Some(Opener::new(root.as_fd(), hub.as_ref(), engine.links)),
            Kind::File { .. } => None,
        };
        Self { engine, tasks, queue, stop, opener, batch: 0..0, pieces: vec![] }
    }

    fn work(&mut self) -> Result<(), DiskError> {
        let mut streams: [Option<Stream<'a>>; 2] = [None, None];
        let mut buffers = [Stream::buffer(), Stream::buffer()];
        loop {
            self.begin(&mut streams)?;
            if streams.iter().all(Option::is_none) {
                return Ok(());
            }
            if self.stop.load(Ordering::Relaxed) || self.engine.observer.is_cancelled() {
                return Err(DiskError::Cancelled);
            }
            let mut read = [0; 2];
            for ((stream, buffer), read) in streams.iter_mut().zip(&mut buffers).zip(&mut read) {
                if let Some(stream) = stream {
                    *read = stream.read(buffer)?;
                    self.engine.observer.advance(*read as u64);
                }
            }
            let in_flight = streams.iter_mut().zip(&buffers).zip(read);
            update_all(in_flight.flat_map(|((stream, buffer), read)| {
                stream.iter_mut().flat_map(move |stream| stream.hashes(&buffer[..read]))
            }));
            for (stream, buffer) in streams.iter_mut().zip(&mut buffers) {
                if stream.as_mut().is_some_and(Stream::is_at_end)
                    && let Some(stream) = stream.take()
                {
                    self.pieces.push((stream.task(), stream.finish(buffer)?));
                }
            }
            if self.batch.is_empty() && streams.iter().all(Option::is_none) {
                locked(self.queue).idle += 1;
            }
        }
    }

    /// Takes tasks for the places that are free.
    fn begin(&mut self, streams: &mut [Option<Stream<'a>>; 2]) -> Result<(), DiskError> {
        for place in 0..streams.len() {
            let is_idle = streams.iter().all(Option::is_none);
            if streams[place].is_none()
                && let Some(number) = self.take(is_idle)
            {
                streams[place] = Some(self.open(number)?);
            }
        }
        Ok(())
    }

    /// The number of the next task, if there is one for this worker: for a second stream it
    /// takes none that another worker has its first in.
    fn take(&mut self, is_idle: bool) -> Option<usize> {
        if !self.batch.is_empty() {
            return self.batch.next();
        }
        let mut queue = locked(self.queue);
        let left = self.tasks.len() - queue.next;
        if left == 0 || !is_idle && left <= queue.idle {
            return None;
        }
        // The largest come first: after a small one there are none but small ones.
        let is_small = self.tasks[queue.next].length(self.engine.files) <= SMALL;
        let share = left / (2 * self.engine.workers(self.tasks));
        let count = if is_small { share.clamp(1, BATCH) } else { 1 };
        self.batch = queue.next..queue.next + count;
        queue.next += count;
        queue.idle -= usize::from(is_idle);
        self.batch.next()
    }

    fn open(&mut self, number: usize) -> Result<Stream<'a>, DiskError> {
        let task = &self.tasks[number];
        let file = self.engine.files[task.file];
        let fd = self.open_file(file)?;
        Stream::new(number, task, file, fd, self.engine.options)
    }

    fn open_file(&mut self, file: &FoundFile) -> Result<OwnedFd, DiskError> {
        if let Some(opener) = &mut self.opener {
            return opener.open(file);
        }
        let path = self.engine.model.path();
        let fd = open_for_reading(path)?;
        let stat = fstat(&fd).map_err(DiskError::io(shown(path), "examine"))?;
        file.check_unchanged(&Stamp::of(&stat))?;
        Ok(fd)
    }
}
