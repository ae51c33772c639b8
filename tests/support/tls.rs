//! TLS in front of the scripted upstream, with certificates made for the test. What was decrypted is kept: where the
//! other side must not trust the certificate, not one byte may have come. And a way through TLS for clients without.

use super::Upstream;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, Connection, RootCertStore, ServerConfig, ServerConnection};
use socket2::{Domain, Socket, Type};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What kind of certificate is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Signed by the test's authority, for `localhost`.
    Good,
    /// For `localhost`, by itself.
    SelfSigned,
    Expired,
    NotYet,
    /// For another host.
    OtherHost,
    /// By an authority that nobody trusts.
    OtherAuthority,
}

/// A TLS server in front of an upstream.
pub struct Front {
    /// `https://localhost:PORT/v1`.
    pub url: String,
    /// The authority that a client may trust, as PEM.
    pub authority: String,
    decrypted: Arc<Mutex<Vec<u8>>>,
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    Authority { issuer: Issuer::new(params, key), pem }
}

fn certificate(shown: Shown, trusted: &Authority) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let host = if shown == Shown::OtherHost { "elsewhere.example" } else { "localhost" };
    let mut params = CertificateParams::new([host.to_owned()]).unwrap();
    match shown {
        Shown::Expired => params.not_after = date_time_ymd(2020, 1, 1),
        Shown::NotYet => params.not_before = date_time_ymd(3000, 1, 1),
        _ => {}
    }
    let key = KeyPair::generate().unwrap();
    let made = match shown {
        Shown::SelfSigned => params.self_signed(&key),
        Shown::OtherAuthority => params.signed_by(&key, &authority("Nobody").issuer),
        _ => params.signed_by(&key, &trusted.issuer),
    };
    (made.unwrap().der().clone(), PrivateKeyDer::try_from(key.serialize_der()).unwrap())
}

/// A certificate and its key as PEM, and the authority that may be trusted for it.
pub fn pem(shown: Shown) -> (String, String, String) {
    let trusted = authority("Test authority");
    let (certificate, key) = certificate(shown, &trusted);
    let block = |kind: &str, der: &[u8]| {
        let text = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, der);
        format!("-----BEGIN {kind}-----\n{text}\n-----END {kind}-----\n")
    };
    (block("CERTIFICATE", &certificate), block("PRIVATE KEY", key.secret_der()), trusted.pem)
}

impl Front {
    /// Starts one. It ends with the test process.
    pub fn start(upstream: &Upstream, shown: Shown) -> Front {
        let trusted = authority("Test authority");
        let (certificate, key) = certificate(shown, &trusted);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://localhost:{}/v1", listener.local_addr().unwrap().port());
        let front = Front { url, authority: trusted.pem, decrypted: Arc::default() };
        let (decrypted, behind) = (front.decrypted.clone(), upstream.address.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, decrypted, behind) = (config.clone(), decrypted.clone(), behind.clone());
                std::thread::spawn(move || {
                    let inside = TcpStream::connect(behind).unwrap();
                    carry(&stream, &inside, ServerConnection::new(config).unwrap().into(), &decrypted);
                });
            }
        });
        front
    }

    /// All that came through the encryption.
    pub fn decrypted(&self) -> Vec<u8> {
        self.decrypted.lock().unwrap().clone()
    }
}

/// A way to the TLS server `localhost` on that port for clients that speak plainly: gives the address where they enter.
/// What comes out comes from 127.0.0.5, so that a proxy and its visitors have different addresses.
pub fn tunnel(port: u16, authority: &str) -> String {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_root_certificates(roots).with_no_client_auth());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for inside in listener.incoming().flatten() {
            let config = config.clone();
            std::thread::spawn(move || {
                let outside = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
                outside.bind(&SocketAddr::from(([127, 0, 0, 5], 0)).into()).unwrap();
                outside.connect(&SocketAddr::from(([127, 0, 0, 1], port)).into()).unwrap();
                let mut outside = TcpStream::from(outside);
                let mut tls =
                    ClientConnection::new(config, ServerName::try_from("localhost").unwrap()).unwrap();
                // The whole greeting first: what is said before it would have to wait in memory.
                if tls.complete_io(&mut outside).is_ok() {
                    carry(&outside, &inside, tls.into(), &Mutex::default());
                }
            });
        }
    });
    address
}

/// Carries bytes between the two until either closes.
fn carry(outside: &TcpStream, inside: &TcpStream, tls: Connection, decrypted: &Mutex<Vec<u8>>) {
    let tls = Mutex::new(tls);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _ = inwards(outside, inside, &tls, decrypted);
            let _ = inside.shutdown(Shutdown::Both);
            let _ = outside.shutdown(Shutdown::Both);
        });
        let _ = outwards(inside, outside, &tls);
        let _ = outside.shutdown(Shutdown::Write);
    });
}

fn flush(tls: &mut Connection, mut outside: &TcpStream) -> std::io::Result<()> {
    while tls.wants_write() {
        tls.write_tls(&mut outside)?;
    }
    Ok(())
}

fn inwards(
    mut outside: &TcpStream,
    mut inside: &TcpStream,
    tls: &Mutex<Connection>,
    decrypted: &Mutex<Vec<u8>>,
) -> std::io::Result<()> {
    let mut buffer = [0; 16 << 10];
    loop {
        let count = outside.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        let mut tls = tls.lock().unwrap();
        let (mut rest, mut plain) = (&buffer[..count], Vec::new());
        while !rest.is_empty() {
            tls.read_tls(&mut rest)?;
            let state = tls.process_new_packets();
            flush(&mut tls, outside)?;
            let ready = state.map_err(std::io::Error::other)?.plaintext_bytes_to_read();
            let mut piece = vec![0; ready];
            tls.reader().read_exact(&mut piece)?;
            plain.extend(piece);
        }
        drop(tls);
        decrypted.lock().unwrap().extend_from_slice(&plain);
        inside.write_all(&plain)?;
    }
}

fn outwards(mut inside: &TcpStream, outside: &TcpStream, tls: &Mutex<Connection>) -> std::io::Result<()> {
    let mut buffer = [0; 16 << 10];
    loop {
        let count = inside.read(&mut buffer)?;
        let mut tls = tls.lock().unwrap();
        if count == 0 {
            tls.send_close_notify();
            return flush(&mut tls, outside);
        }
        tls.writer().write_all(&buffer[..count])?;
        flush(&mut tls, outside)?;
    }
}
