//! Sockets for the serving side (the fake upstream, the stand-in): one thread, loopback only.
use crate::http::Message;
use anyhow::{Result, ensure};
use std::future::Future;
use std::net::SocketAddr;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::LocalSet;

/// Serves connections on a thread that lives as long as the process; gives the real address.
pub fn serve<F, C>(addr: SocketAddr, connection: F) -> Result<SocketAddr>
where
    F: Fn(TcpStream) -> C + Send + 'static,
    C: Future<Output = Result<()>> + 'static,
{
    ensure!(addr.ip().is_loopback(), "{addr} is not on loopback");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = {
        let _inside = runtime.enter();
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(addr)?;
        socket.listen(4096)?
    };
    let addr = listener.local_addr()?;
    std::thread::spawn(move || {
        LocalSet::new().block_on(&runtime, async {
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    // out of descriptors, most likely: let some connections end
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                    continue;
                };
                // a connection's fault is its peer's to report
                let _ = stream.set_nodelay(true);
                tokio::task::spawn_local(connection(stream));
            }
        });
    });
    Ok(addr)
}

/// Reads one whole message; false when the peer closed the connection before it began.
pub async fn read(stream: &mut TcpStream, message: &mut Message) -> Result<bool> {
    let mut buffer = [0; 8 << 10];
    while !message.whole {
        match stream.read(&mut buffer).await? {
            0 if message.is_untouched() => return Ok(false),
            0 => message.end()?,
            n => message.push(&buffer[..n])?,
        }
    }
    Ok(true)
}
