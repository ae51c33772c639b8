//! What a route is. The rows themselves stand beside their handlers; together they are the one table that feeds
//! routing, `Allow`, the OpenAPI document and the access tests.

use super::body::Incoming;
use super::request::Call;
use crate::error::{Error, Result};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use std::future::Future;
use std::pin::Pin;

/// A reply, as warp sends it.
pub type Response = warp::reply::Response;
/// A reply that is waited for without holding a thread.
pub type Waiting = Pin<Box<dyn Future<Output = Result<Response>> + Send>>;

/// A row of the table.
#[derive(Clone, Copy)]
pub struct Route {
    /// GET also answers HEAD.
    pub verb: Verb,
    /// With `{name}` for a part that varies.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// What it takes.
    pub body: Body,
    /// How it is answered.
    pub run: Run,
    /// One sentence for the reference.
    pub about: &'static str,
    /// Parameters in the query.
    pub query: &'static [Query],
    /// The JSON that it gives.
    pub gives: Option<Describe>,
    /// Media types of what it gives in place of that, or where that is asked for.
    pub gives_other: &'static [&'static str],
    /// The status of success.
    pub done: u16,
    /// Statuses beside that and those that every route may give.
    pub also: &'static [u16],
}

/// The methods that routes have.
#[expect(missing_docs, reason = "the names say it")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Get,
    Post,
    Patch,
    Delete,
}

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Whoever has signed in.
    User,
    /// Administrators.
    Admin,
}

/// What a route takes as its body.
#[derive(Clone, Copy)]
pub enum Body {
    /// Nothing; what comes is not read.
    None,
    /// A JSON object.
    Json(Describe, Size),
    /// A form with a file.
    File(Upload),
    /// A file by itself, which the handler takes as it comes.
    Whole,
}

/// A file in a form.
#[derive(Clone, Copy)]
pub struct Upload {
    /// The field that it is in.
    pub field: &'static str,
    /// In bytes.
    pub largest: usize,
    /// What is said of a larger one.
    pub too_large: fn() -> Error,
}

/// How large a JSON body may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Names, passwords, switches.
    Small,
    /// Messages and system prompts, as long as the configuration allows them.
    Messages,
}

/// How a route is answered.
#[derive(Clone, Copy)]
pub enum Run {
    /// On the blocking pool: it may use the database and hash passwords, and must not wait for a network.
    Blocking(fn(&Call) -> Result<Response>),
    /// Without a thread of its own: it waits for answers.
    Waiting(fn(Call) -> Waiting),
    /// The same, and it takes the body while that arrives.
    Taking(fn(Call, Incoming) -> Waiting),
}

/// A parameter in the query.
#[derive(Clone, Copy, Debug)]
pub struct Query {
    /// Its name.
    pub name: &'static str,
    /// Its JSON type, or the words that it may be: `json|csv`.
    pub kind: &'static str,
    /// What it is, for the reference.
    pub about: &'static str,
}

/// Gives the JSON schema of a type.
pub type Describe = fn(&mut SchemaGenerator) -> Schema;

fn describe<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

impl Verb {
    /// As it stands in a request.
    pub fn as_str(self) -> &'static str {
        match self {
            Verb::Get => "GET",
            Verb::Post => "POST",
            Verb::Patch => "PATCH",
            Verb::Delete => "DELETE",
        }
    }

    /// HEAD is answered as GET; the body is left out where the reply is written.
    pub fn answers(self, method: &http::Method) -> bool {
        method.as_str() == self.as_str() || (self == Verb::Get && *method == http::Method::HEAD)
    }
}

impl Route {
    /// A row that takes no body and gives JSON of type `T`.
    pub const fn new<T: JsonSchema>(verb: Verb, path: &'static str, access: Access, run: Run) -> Route {
        Route {
            verb,
            path,
            access,
            body: Body::None,
            run,
            about: "",
            query: &[],
            gives: Some(describe::<T>),
            gives_other: &[],
            done: 200,
            also: &[],
        }
    }

    /// It takes JSON of type `T`.
    pub const fn takes<T: JsonSchema>(self, size: Size) -> Route {
        Route { body: Body::Json(describe::<T>, size), ..self }
    }

    /// It takes a form with a file.
    pub const fn takes_file(self, upload: Upload) -> Route {
        Route { body: Body::File(upload), ..self }
    }

    /// It takes a file by itself.
    pub const fn takes_whole(self) -> Route {
        Route { body: Body::Whole, ..self }
    }

    /// It gives something other than that JSON.
    pub const fn gives_other(self, media_types: &'static [&'static str]) -> Route {
        Route { gives: None, gives_other: media_types, ..self }
    }

    /// It gives something else where that is asked for.
    pub const fn or_gives(self, media_types: &'static [&'static str]) -> Route {
        Route { gives_other: media_types, ..self }
    }

    /// What it does.
    pub const fn about(self, about: &'static str) -> Route {
        Route { about, ..self }
    }

    /// Its parameters in the query.
    pub const fn query(self, query: &'static [Query]) -> Route {
        Route { query, ..self }
    }

    /// It begins what goes on after its reply.
    pub const fn begins(self) -> Route {
        Route { done: 202, ..self }
    }

    /// Its statuses beside that of success and those that every route may give.
    pub const fn also(self, also: &'static [u16]) -> Route {
        Route { also, ..self }
    }

    /// The varying parts of `path`, which are numbers, if it is one of this route's. Nothing is decoded: our paths are
    /// plain.
    pub fn captures<'a>(&self, path: &'a str) -> Option<Vec<&'a str>> {
        let mut captured = Vec::new();
        let (mut ours, mut theirs) = (self.path.split('/'), path.split('/'));
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return Some(captured),
                (Some(part), Some(given)) if part.starts_with('{') && is_number(given) => {
                    captured.push(given);
                }
                (Some(part), Some(given)) if part == given => {}
                _ => return None,
            }
        }
    }
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing(_: &Call) -> Result<Response> {
        Ok(Response::default())
    }

    #[test]
    fn i12_a_path_is_matched_as_it_stands() {
        let at = |path| Route::new::<()>(Verb::Get, path, Access::Public, Run::Blocking(nothing));
        assert_eq!(at("/api/chat/{id}/events").captures("/api/chat/7/events"), Some(vec!["7"]));
        assert_eq!(at("/api/user").captures("/api/user"), Some(vec![]));
        for other in [
            "/api/user/",
            "//api/user",
            "/API/user",
            "/api/user;x=1",
            "/api",
            "/api/%75ser",
            "/api/users",
            "",
        ] {
            assert_eq!(at("/api/user").captures(other), None, "{other}");
        }
        for other in ["", "history", "-1", "1e3", "%31"] {
            assert_eq!(at("/api/chat/{id}").captures(&format!("/api/chat/{other}")), None, "{other}");
        }
    }
}
