//! A server with a certificate of its own, and clients that know it.

use crate::support::program::{Place, Serving};
use crate::support::tls::{Shown, pem};
use bytes::Bytes;
use h2::client::SendRequest;
use http::{Request, Response};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::TlsConnector;

/// A place whose server encrypts, and the authority that its visitors trust.
pub struct Secure {
    pub place: Place,
    pub authority: String,
}

impl Secure {
    pub fn new() -> Secure {
        let (mut place, authority) = (Place::new(), String::new());
        place.set("tls.certificate", "certificate.pem");
        place.set("tls.key", "key.pem");
        let mut secure = Secure { place, authority };
        secure.renew(Shown::Good);
        secure
    }

    /// Puts another certificate in the files.
    pub fn renew(&mut self, shown: Shown) {
        let (certificate, key, authority) = pem(shown);
        self.place.write("certificate.pem", &certificate);
        self.place.write("key.pem", &key);
        self.authority = authority;
    }

    pub fn serve(&self) -> Serving {
        let server = self.place.serve(&[]);
        assert!(server.base.starts_with("https://127.0.0.1:"), "{}", server.base);
        server
    }

    pub fn config(&self, protocols: &[&str]) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.authority.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let mut config = builder.unwrap().with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        config
    }

    /// Says `bytes` over HTTP/1 and reads to the end; with the protocol that was agreed on.
    pub fn talk(
        &self,
        server: &Serving,
        protocols: &[&str],
        bytes: &str,
    ) -> std::io::Result<(String, Option<Vec<u8>>)> {
        let name = ServerName::try_from("localhost").unwrap();
        let mut tls = ClientConnection::new(Arc::new(self.config(protocols)), name).unwrap();
        let mut stream = connect(server);
        let mut both = rustls::Stream::new(&mut tls, &mut stream);
        both.write_all(bytes.as_bytes())?;
        let mut answer = Vec::new();
        match both.read_to_end(&mut answer) {
            Err(e) if e.kind() != std::io::ErrorKind::UnexpectedEof => return Err(e),
            _ => {}
        }
        let protocol = tls.alpn_protocol().map(<[u8]>::to_vec);
        Ok((String::from_utf8_lossy(&answer).into_owned(), protocol))
    }

    /// A connection with HTTP/2, and the task that drives it, which ends with it.
    pub async fn http2(
        &self,
        server: &Serving,
    ) -> (SendRequest<Bytes>, tokio::task::JoinHandle<Result<(), h2::Error>>) {
        let stream = tokio::net::TcpStream::connect(address(server)).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::new(self.config(&["h2"]))).connect(name, stream).await.unwrap();
        let (client, connection) = h2::client::handshake(stream).await.unwrap();
        (client, tokio::spawn(connection))
    }
}

pub const HEALTH: &str = "GET /api/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

pub fn address(server: &Serving) -> String {
    server.base.trim_start_matches("https://").to_owned()
}

pub fn connect(server: &Serving) -> TcpStream {
    let stream = TcpStream::connect(address(server)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

pub fn request(method: &str, path: &str, token: &str) -> http::request::Builder {
    let uri = format!("https://localhost{path}");
    Request::builder().method(method).uri(uri).header("authorization", format!("Bearer {token}"))
}

/// Sends a request and gives the reply with the rest of its body still to come.
pub async fn ask(
    client: &mut SendRequest<Bytes>,
    request: http::request::Builder,
    body: &Value,
) -> Response<h2::RecvStream> {
    let empty = body.is_null();
    let mut ready = client.clone().ready().await.unwrap();
    let (response, mut sending) = ready.send_request(request.body(()).unwrap(), empty).unwrap();
    if !empty {
        sending.send_data(Bytes::from(body.to_string()), true).unwrap();
    }
    response.await.unwrap()
}

pub async fn piece(body: &mut h2::RecvStream) -> Option<String> {
    let piece = body.data().await?.unwrap();
    body.flow_control().release_capacity(piece.len()).unwrap();
    Some(String::from_utf8_lossy(&piece).into_owned())
}

pub async fn rest(body: &mut h2::RecvStream) -> String {
    let mut all = String::new();
    while let Some(piece) = piece(body).await {
        all.push_str(&piece);
    }
    all
}

pub async fn register(client: &mut SendRequest<Bytes>) -> String {
    let form = json!({"name": "Ann", "email": "ann@example.org", "password": "secret1", "password_confirmation": "secret1"});
    let mut reply = ask(client, request("POST", "/api/register", "x"), &form).await;
    let body: Value = serde_json::from_str(&rest(reply.body_mut()).await).unwrap();
    body["token"].as_str().unwrap().to_owned()
}
