//! The OpenAI chat API as upstreams speak it, and as they abuse it. Requests hold nothing that nobody set. In
//! answers every field may be missing or of another type: what cannot be understood is as good as absent.

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// The body of `POST /chat/completions`.
#[derive(Debug, Serialize)]
pub struct Request<'a> {
    pub model: &'a str,
    pub messages: &'a [Message<'a>],
    pub stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_effort: Option<&'a str>,
}

#[derive(Debug, Serialize)]
pub struct StreamOptions {
    pub include_usage: bool,
}

/// Who says what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message<'a> {
    /// `system`, `user` or `assistant`.
    pub role: &'static str,
    /// What.
    pub content: Content<'a>,
}

/// What is said: text alone goes as such, which every server understands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Content<'a> {
    /// Text alone.
    Text(Cow<'a, str>),
    /// Text and pictures.
    Parts(Vec<Part<'a>>),
}

/// A part of what is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part<'a> {
    /// Text.
    Text {
        /// The text.
        text: Cow<'a, str>,
    },
    /// A picture.
    ImageUrl {
        /// The picture.
        image_url: ImageUrl,
    },
}

/// A picture by its address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImageUrl {
    /// A data URL (RFC 2397).
    pub url: String,
}

/// One event of a stream, or a whole answer: they differ in `delta` and `message`.
#[derive(Debug, Default, Deserialize)]
pub struct Chunk<'a> {
    #[serde(borrow, default)]
    pub choices: List<Choice<'a>>,
    #[serde(default)]
    pub usage: Object<Usage>,
    #[serde(borrow, default)]
    pub error: Option<ErrorBody<'a>>,
    // What servers of other making answer in place of `error`.
    #[serde(borrow, default)]
    pub message: Text<'a>,
    #[serde(borrow, default)]
    pub detail: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
pub struct Choice<'a> {
    #[serde(default)]
    pub index: Number,
    #[serde(borrow, default)]
    pub delta: Object<Said<'a>>,
    #[serde(borrow, default)]
    pub message: Object<Said<'a>>,
    #[serde(borrow, default)]
    pub finish_reason: Text<'a>,
}

/// What the model said, in a piece or whole.
#[derive(Debug, Default, Deserialize)]
pub struct Said<'a> {
    #[serde(borrow, default)]
    pub content: Text<'a>,
    #[serde(borrow, default)]
    pub refusal: Text<'a>,
    // Names of one thing: DeepSeek and llama.cpp, OpenRouter and vLLM, others.
    #[serde(borrow, default)]
    pub reasoning_content: Text<'a>,
    #[serde(borrow, default)]
    pub reasoning: Text<'a>,
    #[serde(borrow, default)]
    pub thinking: Text<'a>,
    #[serde(default)]
    pub tool_calls: Present,
    #[serde(default)]
    pub function_call: Present,
}

#[derive(Debug, Default, Deserialize)]
pub struct Usage {
    #[serde(default)]
    pub prompt_tokens: Number,
    #[serde(default)]
    pub completion_tokens: Number,
    #[serde(default)]
    pub prompt_tokens_details: Object<Details>,
    #[serde(default)]
    pub completion_tokens_details: Object<Details>,
}

#[derive(Debug, Default, Deserialize)]
pub struct Details {
    #[serde(default)]
    pub cached_tokens: Number,
    #[serde(default)]
    pub reasoning_tokens: Number,
}

/// `GET /models`: OpenAI's `data`, or a bare list.
#[derive(Debug, Default, Deserialize)]
pub struct ModelEntry<'a> {
    #[serde(borrow, default)]
    pub id: Text<'a>,
    #[serde(default)]
    pub context_length: Number,
    #[serde(default)]
    pub context_window: Number,
    #[serde(default)]
    pub max_model_len: Number,
    #[serde(default)]
    pub meta: Object<ModelMeta>,
}

#[derive(Debug, Default, Deserialize)]
pub struct ModelMeta {
    #[serde(default)]
    pub n_ctx: Number,
}

/// An error, as an object or as bare text.
#[derive(Debug)]
pub struct ErrorBody<'a> {
    pub message: Cow<'a, str>,
    pub kind: Cow<'a, str>,
    pub code: Cow<'a, str>,
}

/// Text; anything else is empty. A list of content parts is the text of its text parts.
#[derive(Debug, Default)]
pub struct Text<'a>(pub Cow<'a, str>);

/// A whole number that is not negative and fits into 32 bits; anything else is `None`. No window holds more tokens, and
/// a service that claims them must not make the sums of statistics overflow.
#[derive(Clone, Copy, Debug, Default)]
pub struct Number(pub Option<i64>);

/// True where there is a list or an object that is not empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Present(pub bool);

/// An object; where there is something else, one with nothing in it.
#[derive(Debug, Default)]
pub struct Object<T>(pub T);

/// A list of objects; where there is something else, an empty one.
#[derive(Debug)]
pub struct List<T>(pub Vec<T>);

impl<T> Default for List<T> {
    fn default() -> List<T> {
        List(Vec::new())
    }
}

/// Visitor methods that take a value of no use. Containers must be read to their end.
macro_rules! ignore {
    ($value:expr; $($kind:ident)*) => { $(ignore!(@ $kind $value);)* };
    (@ unit $v:expr) => { fn visit_unit<E>(self) -> Result<Self::Value, E> { Ok($v) } };
    (@ bool $v:expr) => { fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> { Ok($v) } };
    (@ numbers $v:expr) => {
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> { Ok($v) }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> { Ok($v) }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> { Ok($v) }
    };
    (@ str $v:expr) => { fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> { Ok($v) } };
    (@ seq $v:expr) => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok($v)
        }
    };
    (@ map $v:expr) => {
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok($v)
        }
    };
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text<'a>, D::Error> {
        #[derive(Default, Deserialize)]
        struct Part<'a> {
            #[serde(borrow, default)]
            text: Text<'a>,
        }
        struct Seen;
        impl<'de> Visitor<'de> for Seen {
            type Value = Text<'de>;
            ignore!(Text::default(); unit bool numbers map);
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
            fn visit_string<E>(self, text: String) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text)))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Text<'de>, A::Error> {
                let mut all = String::new();
                while let Some(Object(part)) = seq.next_element::<Object<Part<'_>>>()? {
                    all.push_str(&part.text.0);
                }
                Ok(Text(Cow::Owned(all)))
            }
        }
        deserializer.deserialize_any(Seen)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Number, D::Error> {
        struct Seen;
        impl<'de> Visitor<'de> for Seen {
            type Value = Number;
            ignore!(Number(None); unit bool str seq map);
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }
            fn visit_i64<E>(self, n: i64) -> Result<Number, E> {
                Ok(Number(u32::try_from(n).ok().map(i64::from)))
            }
            fn visit_u64<E>(self, n: u64) -> Result<Number, E> {
                Ok(Number(u32::try_from(n).ok().map(i64::from)))
            }
            fn visit_f64<E>(self, n: f64) -> Result<Number, E> {
                // "12.0" is a whole number that a careless server wrote.
                let whole = n.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&n);
                Ok(Number(whole.then_some(n as i64)))
            }
        }
        deserializer.deserialize_any(Seen)
    }
}

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Present, D::Error> {
        struct Seen;
        impl<'de> Visitor<'de> for Seen {
            type Value = Present;
            ignore!(Present(false); unit bool numbers str);
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Present, A::Error> {
                let mut present = false;
                while seq.next_element::<IgnoredAny>()?.is_some() {
                    present = true;
                }
                Ok(Present(present))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Present, A::Error> {
                let mut present = false;
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                    present = true;
                }
                Ok(Present(present))
            }
        }
        deserializer.deserialize_any(Seen)
    }
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object<T>, D::Error> {
        struct Seen<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for Seen<T> {
            type Value = Object<T>;
            ignore!(Object(T::default()); unit bool numbers str seq);
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_any(Seen(PhantomData))
    }
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<List<T>, D::Error> {
        struct Seen<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for Seen<T> {
            type Value = List<T>;
            ignore!(List(Vec::new()); unit bool numbers str map);
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<T>, A::Error> {
                let mut all = Vec::new();
                while let Some(Object(one)) = seq.next_element()? {
                    all.push(one);
                }
                Ok(List(all))
            }
        }
        deserializer.deserialize_any(Seen(PhantomData))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for ErrorBody<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ErrorBody<'a>, D::Error> {
        struct Seen;
        impl<'de> Visitor<'de> for Seen {
            type Value = ErrorBody<'de>;
            ignore!(ErrorBody::saying(""); unit bool numbers seq);
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }
            fn visit_str<E>(self, text: &str) -> Result<ErrorBody<'de>, E> {
                Ok(ErrorBody::saying(text))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ErrorBody<'de>, A::Error> {
                let mut body = ErrorBody::saying("");
                while let Some(key) = map.next_key::<Cow<'de, str>>()? {
                    match &*key {
                        "message" => body.message = map.next_value::<Text<'de>>()?.0,
                        "type" => body.kind = map.next_value::<Text<'de>>()?.0,
                        // OpenAI has words here, llama.cpp numbers.
                        "code" => body.code = map.next_value::<Text<'de>>()?.0,
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(body)
            }
        }
        deserializer.deserialize_any(Seen)
    }
}

impl ErrorBody<'_> {
    fn saying(message: &str) -> ErrorBody<'static> {
        ErrorBody { message: Cow::Owned(message.to_owned()), kind: "".into(), code: "".into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(json: &str) -> Chunk<'_> {
        serde_json::from_str(json).unwrap_or_else(|e| panic!("{json}: {e}"))
    }

    fn content(json: &str) -> String {
        chunk(json).choices.0.iter().map(|c| c.delta.0.content.0.to_string()).collect()
    }

    #[test]
    fn p11_content_of_any_type_is_text() {
        for (content_json, want) in [
            ("\"a\\u4e2d\\\"\"", "a中\""),
            ("null", ""),
            ("7", ""),
            ("true", ""),
            ("{\"a\":1}", ""),
            ("[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"image\"},7,{\"text\":\"b\"}]", "ab"),
        ] {
            let json = format!("{{\"choices\":[{{\"delta\":{{\"content\":{content_json}}}}}]}}");
            assert_eq!(content(&json), want, "{json}");
        }
        for choices in ["null", "7", "[]", "{}", "\"x\""] {
            assert_eq!(content(&format!("{{\"choices\":{choices}}}")), "");
        }
    }

    #[test]
    fn p12_only_good_numbers_count() {
        for (json, want) in [
            ("12", Some(12)),
            ("0", Some(0)),
            ("12.0", Some(12)),
            ("-1", None),
            ("1.5", None),
            ("\"12\"", None),
            ("null", None),
            ("[1]", None),
            ("4294967295", Some(4_294_967_295)),
            ("4294967296", None),
            ("4294967296.0", None),
            ("9223372036854775808", None),
            ("1e300", None),
        ] {
            let json = format!("{{\"usage\":{{\"prompt_tokens\":{json}}}}}");
            assert_eq!(chunk(&json).usage.0.prompt_tokens.0, want, "{json}");
        }
        assert!(chunk("{\"usage\":null}").usage.0.prompt_tokens.0.is_none());
    }

    #[test]
    fn errors_in_all_their_shapes() {
        for (json, message, code) in [
            (r#"{"error":{"message":"m","type":"t","code":"c"}}"#, "m", "c"),
            (r#"{"error":{"message":"m","code":401}}"#, "m", ""),
            (r#"{"error":"m"}"#, "m", ""),
            (r#"{"error":{"error":{"x":[1,{"y":2}]}}}"#, "", ""),
        ] {
            let error = chunk(json).error.unwrap();
            assert_eq!((&*error.message, &*error.code), (message, code), "{json}");
        }
        assert!(chunk("{\"error\":null}").error.is_none());
        assert_eq!(chunk(r#"{"detail":"Not Found"}"#).detail.0, "Not Found");
    }

    #[test]
    fn nothing_optional_is_sent_that_nobody_set() {
        let messages = [Message { role: "user", content: Content::Text("hi".into()) }];
        let request = Request {
            model: "m",
            messages: &messages,
            stream: true,
            stream_options: None,
            temperature: None,
            top_p: None,
            max_tokens: None,
            max_completion_tokens: None,
            reasoning_effort: None,
        };
        assert_eq!(
            serde_json::to_string(&request).unwrap(),
            r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true}"#
        );
    }

    #[test]
    fn deep_nesting_is_an_error_not_the_end() {
        let deep = format!("{{\"x\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        drop(serde_json::from_str::<Chunk<'_>>(&deep));
        let deep = format!("{{\"choices\":[{{\"delta\":{{\"content\":{}}}}}]}}", "[".repeat(100_000));
        assert!(serde_json::from_str::<Chunk<'_>>(&deep).is_err());
    }
}
