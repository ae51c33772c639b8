//! What goes upstream: the system prompt and the message always, and of the path before it the newest whole turns
//! that fit the model's window.

use super::run::Question;
use crate::keys;
use crate::model::{Attachment, AttachmentKind, Params};
use crate::store::Context;
use crate::text::{estimate_tokens, fence};
use crate::upstream::{Content, ImageUrl, Message, Part};
use std::borrow::Cow;
use std::fmt::Write;

/// Where neither configuration nor upstream say how large a window is.
const USUAL_WINDOW: i64 = 16_000;
/// Kept free for the answer where the request does not say.
const ANSWER: i64 = 1024;
/// What a message costs beside its text: its role and its marks.
const AROUND: i64 = 4;

/// How many tokens the path may have, estimated.
pub fn budget(
    window: Option<i64>,
    params: &Params,
    system_prompt: &str,
    message: &str,
    attachments: &[Attachment],
) -> i64 {
    let answer = params.max_tokens.map_or(ANSWER, i64::from);
    window.unwrap_or(USUAL_WINDOW)
        - answer
        - estimate_tokens(system_prompt)
        - estimate_tokens(message)
        - cost(attachments)
        - 2 * AROUND
}

fn cost(attachments: &[Attachment]) -> i64 {
    attachments.iter().map(|file| file.tokens).sum()
}

/// The messages in order. `read` gives the bytes of a file, if they are still there.
pub fn messages<'a>(
    question: &'a Question,
    read: &dyn Fn(&Attachment) -> Option<Vec<u8>>,
) -> Vec<Message<'a>> {
    let say = |role, text: &'a str| Message { role, content: Content::Text(Cow::Borrowed(text)) };
    let ask = |text: &'a str, attachments: &[Attachment]| Message {
        role: "user",
        content: asked(text, attachments, read),
    };
    let system =
        Some(question.system_prompt.as_str()).filter(|prompt| !prompt.is_empty()).map(|p| say("system", p));
    let path = question
        .context
        .turns
        .iter()
        .flat_map(|turn| [ask(&turn.prompt, &turn.attachments), say("assistant", &turn.response)]);
    let message = ask(&question.message.text, &question.message.attachments);
    system.into_iter().chain(path).chain([message]).collect()
}

/// A message with its files: texts stand before it under their names, pictures after it.
fn asked<'a>(
    text: &'a str,
    attachments: &[Attachment],
    read: &dyn Fn(&Attachment) -> Option<Vec<u8>>,
) -> Content<'a> {
    let (mut before, mut pictures) = (String::new(), Vec::new());
    for file in attachments {
        match (file.kind, read(file)) {
            (AttachmentKind::Image, Some(bytes)) => {
                let url = keys::data_url(&file.mime, &bytes);
                pictures.push(Part::ImageUrl { image_url: ImageUrl { url } });
            }
            (AttachmentKind::Text, Some(bytes)) => {
                quote(&mut before, &file.name, &String::from_utf8_lossy(&bytes));
            }
            (_, None) => quote(&mut before, &file.name, "(This file is no longer here.)"),
        }
    }
    let text = if before.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(before + text) };
    if pictures.is_empty() {
        return Content::Text(text);
    }
    let said = Some(text).filter(|text| !text.is_empty()).map(|text| Part::Text { text });
    Content::Parts(said.into_iter().chain(pictures).collect())
}

/// A file's name and its text, between marks that do not stand in it.
fn quote(out: &mut String, name: &str, text: &str) {
    let fence = fence(text);
    // Writing to a String cannot fail.
    let _ = write!(out, "{name}:\n{fence}\n{}\n{fence}\n\n", text.trim_end_matches('\n'));
}

/// Leaves out the older half of the path. False when there was nothing to leave out.
pub fn halve(context: &mut Context) -> bool {
    let out = context.turns.len().div_ceil(2);
    context.turns.drain(..out);
    context.dropped += out;
    out > 0
}

/// An estimate of what all of it costs.
pub fn estimate(question: &Question) -> i64 {
    let turns = question.context.turns.iter().map(|turn| {
        estimate_tokens(&turn.prompt) + cost(&turn.attachments) + estimate_tokens(&turn.response)
    });
    let message = estimate_tokens(&question.message.text) + cost(&question.message.attachments);
    estimate_tokens(&question.system_prompt) + turns.sum::<i64>() + message
}

#[cfg(test)]
mod tests {
    use super::super::run::Said;
    use super::*;
    use crate::model::{FileId, UserId};
    use crate::secret::Secret;
    use crate::store::Exchange;

    fn question(turns: usize, system_prompt: &str, attachments: Vec<Attachment>) -> Question {
        let turns = (0..turns).map(|i| Exchange {
            prompt: format!("q{i}"),
            attachments: Vec::new(),
            response: format!("a{i}"),
        });
        Question {
            request: "".into(),
            user: UserId(1),
            key: Secret::new(""),
            system_prompt: system_prompt.into(),
            context: Context { turns: turns.collect(), dropped: 0 },
            message: Said { text: "what?".into(), attachments },
            params: Params::default(),
        }
    }

    fn file(kind: AttachmentKind, name: &str) -> Attachment {
        Attachment {
            id: FileId(1),
            sha256: String::new(),
            kind,
            name: name.into(),
            mime: "image/png".into(),
            bytes: 0,
            width: 0,
            height: 0,
            tokens: 100,
        }
    }

    fn said(question: &Question, read: &dyn Fn(&Attachment) -> Option<Vec<u8>>) -> serde_json::Value {
        serde_json::to_value(messages(question, read)).unwrap()
    }

    #[test]
    fn the_order_of_messages() {
        let got = said(&question(1, "be kind", vec![]), &|_| None);
        let want = serde_json::json!([
            {"role": "system", "content": "be kind"},
            {"role": "user", "content": "q0"},
            {"role": "assistant", "content": "a0"},
            {"role": "user", "content": "what?"},
        ]);
        assert_eq!(got, want);
        assert_eq!(said(&question(0, "", vec![]), &|_| None).as_array().unwrap().len(), 1);
    }

    #[test]
    fn texts_stand_before_the_message_and_pictures_after_it() {
        let read = |file: &Attachment| match &*file.name {
            "a.md" => Some(b"```rust\nx\n```\n".to_vec()),
            "b.png" => Some(b"png".to_vec()),
            _ => None,
        };
        let files = vec![
            file(AttachmentKind::Image, "b.png"),
            file(AttachmentKind::Text, "a.md"),
            file(AttachmentKind::Text, "gone.txt"),
        ];
        let question = question(0, "", files);
        let want = serde_json::json!([{"role": "user", "content": [
            {"type": "text", "text": "a.md:\n````\n```rust\nx\n```\n````\n\ngone.txt:\n```\n(This file is no longer here.)\n```\n\nwhat?"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,cG5n"}},
        ]}]);
        assert_eq!(said(&question, &read), want);
        assert_eq!(estimate(&question), 300 + 2);
    }

    #[test]
    fn halving_ends() {
        let mut path = question(5, "", vec![]).context;
        let mut left = Vec::new();
        while halve(&mut path) {
            left.push((path.turns.len(), path.dropped));
        }
        assert_eq!(left, [(2, 3), (1, 4), (0, 5)]);
        assert!(path.turns.is_empty());
    }

    #[test]
    fn what_is_left_of_the_window() {
        let params = Params { max_tokens: Some(100), ..Params::default() };
        let files = [file(AttachmentKind::Image, "x")];
        assert_eq!(budget(Some(1000), &params, "abcd", "你好", &files), 1000 - 100 - 1 - 2 - 100 - 8);
        assert_eq!(budget(None, &Params::default(), "", "", &[]), 16_000 - 1024 - 8);
    }
}
