//! The TCP end of ureq's connector chain. In place of ureq's own because a connect and everything after it must
//! obey `Stop`, and because its probe of an idle connection is three system calls, twice a call, where one will do.

use super::stop::Stop;
use rustix::io::Errno;
use rustix::net::RecvFlags;
use socket2::{Domain, Socket, Type};
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport,
};
use ureq::{Error, Timeout};

/// Where no time is set.
const CONNECT: Duration = Duration::from_secs(10);
/// A dead first address (IPv6 without a route) must not eat the whole budget.
const EACH_ADDRESS: Duration = Duration::from_secs(2);
/// Under TLS our buffers only carry records to rustls, which has the real ones.
const BELOW_TLS: usize = 4 << 10;
/// Bytes of a request that are put together before they are sent.
const TOGETHER: usize = 8 << 10;

/// Opens connections.
#[derive(Debug)]
pub struct Tcp;

impl<In: Transport> Connector<In> for Tcp {
    type Out = Either<In, Connection>;

    fn connect(&self, details: &ConnectionDetails, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        if let Some(tunnel) = chained {
            return Ok(Some(Either::A(tunnel)));
        }
        let end = Instant::now() + details.timeout.not_zero().map_or(CONNECT, |t| *t);
        let mut last = Error::HostNotFound;
        for (i, address) in details.addrs.iter().enumerate() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::Timeout(details.timeout.reason));
            }
            let more = i + 1 < details.addrs.len();
            let left = if more { left.min(EACH_ADDRESS) } else { left };
            match dial(*address, left, details.config.no_delay()) {
                Ok((socket, stop)) => {
                    let size = |n: usize| {
                        if details.needs_tls() { n.min(BELOW_TLS) } else { n }
                    };
                    let buffers = LazyBuffers::new(
                        size(details.config.input_buffer_size()),
                        size(details.config.output_buffer_size()),
                    );
                    let unsent = Vec::new();
                    let connection = Connection { socket, buffers, unsent, stop, read: None, write: None };
                    return Ok(Some(Either::B(connection)));
                }
                Err(e) if Stop::current().is_some_and(|stop| stop.reason().is_some()) => {
                    return Err(e.into());
                }
                Err(e) if e.kind() == ErrorKind::TimedOut => {
                    last = Error::Timeout(Timeout::Connect);
                }
                Err(e) => last = e.into(),
            }
        }
        Err(last)
    }
}

/// Ties the socket to the token before it connects: the socket is what a stop shuts down.
fn dial(address: SocketAddr, left: Duration, no_delay: bool) -> io::Result<(Arc<Socket>, Option<Stop>)> {
    let socket = Arc::new(Socket::new(Domain::for_address(address), Type::STREAM, None)?);
    let stop = Stop::current();
    if let Some(stop) = &stop {
        stop.attach(&socket)?;
    }
    let connected = socket.connect_timeout(&address.into(), left);
    if let Some(stop) = &stop {
        stop.check()?;
    }
    connected?;
    socket.set_tcp_nodelay(no_delay)?;
    Ok((socket, stop))
}

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    socket: Arc<Socket>,
    buffers: LazyBuffers,
    /// ureq hands over head and body apart. Sent so, each costs a system call here and a packet and a wake-up there, so
    /// what fits goes out together when an answer is waited for.
    unsent: Vec<u8>,
    /// The token of the call that has this connection; none while it is idle.
    stop: Option<Stop>,
    read: Option<Duration>,
    write: Option<Duration>,
}

impl Connection {
    fn claim(&mut self) -> io::Result<()> {
        if self.stop.is_none()
            && let Some(stop) = Stop::current()
        {
            stop.attach(&self.socket)?;
            self.stop = Some(stop);
        }
        self.check()
    }

    fn check(&self) -> io::Result<()> {
        self.stop.as_ref().map_or(Ok(()), Stop::check)
    }

    /// Sends what is unsent, and then the first `amount` bytes of the output buffer.
    fn send(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let timeout = timeout.for_write();
        let wanted = coarse(timeout)?;
        if wanted != self.write {
            self.socket.set_write_timeout(wanted)?;
            self.write = wanted;
        }
        let first = std::mem::take(&mut self.unsent);
        let written = (&*self.socket)
            .write_all(&first)
            .and_then(|()| (&*self.socket).write_all(&self.buffers.output()[..amount]));
        self.check()?;
        written.map_err(|e| fault(e, timeout))
    }
}

/// Rounded up to 250 ms: what is left of a deadline differs at every read, and each change is a system call.
fn coarse(timeout: NextTimeout) -> Result<Option<Duration>, Error> {
    if timeout.after.is_zero() {
        return Err(Error::Timeout(timeout.reason));
    }
    let round = |d: Duration| Duration::from_millis((d.as_millis() as u64).div_ceil(250) * 250);
    Ok(timeout.not_zero().map(|d| round(*d)))
}

fn fault(error: io::Error, timeout: NextTimeout) -> Error {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Error::Timeout(timeout.reason),
        _ => Error::Io(error),
    }
}

impl Transport for Connection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.claim()?;
        if self.unsent.len() + amount > TOGETHER {
            return self.send(amount, timeout);
        }
        self.unsent.extend_from_slice(&self.buffers.output()[..amount]);
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.claim()?;
        if !self.unsent.is_empty() {
            self.send(0, timeout)?;
        }
        let timeout = timeout.for_read();
        let wanted = coarse(timeout)?;
        if wanted != self.read {
            self.socket.set_read_timeout(wanted)?;
            self.read = wanted;
        }
        let read = loop {
            match (&*self.socket).read(self.buffers.input_append_buf()) {
                Err(e) if e.kind() == ErrorKind::Interrupted => self.check()?,
                read => break read,
            }
        };
        // A socket that was shut down reads as a clean end; say what it was.
        self.check()?;
        let count = read.map_err(|e| fault(e, timeout))?;
        self.buffers.input_appended(count);
        Ok(count > 0)
    }

    /// Asked when a call ends (before the connection goes back to the pool), where it is only untied, and when the next
    /// one takes it, where it is looked at.
    fn is_open(&mut self) -> bool {
        if let Some(stop) = self.stop.take() {
            stop.detach();
            return stop.reason().is_none();
        }
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        matches!(rustix::net::recv(&*self.socket, &mut [0_u8; 1][..], flags), Err(Errno::AGAIN))
    }
}
