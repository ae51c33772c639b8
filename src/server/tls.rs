//! The certificate in use, which can be replaced while connections run.

use crate::app::App;
use crate::tls::{self, Identity};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError, RwLock};
use tokio_rustls::TlsAcceptor;

/// What new connections are encrypted with.
pub struct Tls(RwLock<Identity>);

impl Tls {
    /// Reads the configured files; `None` where none are. The fault is a sentence about them.
    pub fn open(app: &App) -> Result<Option<Arc<Tls>>, String> {
        let read = tls::read(&app.config.tls)?;
        Ok(read.map(|identity| {
            tell(app, &identity);
            Arc::new(Tls(RwLock::new(identity)))
        }))
    }

    /// Reads the files again. New connections get what is in them, if it is good; else the one in use stays.
    pub fn reload(&self, app: &App) {
        match tls::read(&app.config.tls) {
            Ok(Some(identity)) => {
                tell(app, &identity);
                *self.0.write().unwrap_or_else(PoisonError::into_inner) = identity;
            }
            Ok(None) => {}
            Err(fault) => {
                tracing::error!(fault, "the new certificate cannot be used; the one before it stays in use");
            }
        }
    }

    /// For one connection.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.0.read().unwrap_or_else(PoisonError::into_inner).server.clone())
    }
}

fn tell(app: &App, identity: &Identity) {
    let expires = identity.expires.unwrap_or(0);
    app.metrics.certificate_expires.store(expires, Relaxed);
    tracing::info!(until = app.zone.stamp(expires), "the certificate is read");
}
