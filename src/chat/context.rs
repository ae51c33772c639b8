//! What goes upstream: the system prompt and the message always, and of the path before it the newest whole turns
//! that fit the model's window.

use crate::model::Params;
use crate::store::Context;
use crate::text::estimate_tokens;
use crate::upstream::Message;
use std::borrow::Cow;

/// Where neither configuration nor upstream say how large a window is.
const USUAL_WINDOW: i64 = 16_000;
/// Kept free for the answer where the request does not say.
const ANSWER: i64 = 1024;
/// What a message costs beside its text: its role and its marks.
const AROUND: i64 = 4;

/// How many tokens the path may have, estimated.
pub fn budget(window: Option<i64>, params: &Params, system_prompt: &str, message: &str) -> i64 {
    let answer = params.max_tokens.map_or(ANSWER, i64::from);
    window.unwrap_or(USUAL_WINDOW)
        - answer
        - estimate_tokens(system_prompt)
        - estimate_tokens(message)
        - 2 * AROUND
}

/// The messages in order.
pub fn messages<'a>(system_prompt: &'a str, context: &'a Context, message: &'a str) -> Vec<Message<'a>> {
    let say = |role, content: &'a str| Message { role, content: Cow::Borrowed(content) };
    let system = Some(system_prompt).filter(|prompt| !prompt.is_empty()).map(|prompt| say("system", prompt));
    let path =
        context.turns.iter().flat_map(|(prompt, response)| [say("user", prompt), say("assistant", response)]);
    system.into_iter().chain(path).chain([say("user", message)]).collect()
}

/// Leaves out the older half of the path. False when there was nothing to leave out.
pub fn halve(context: &mut Context) -> bool {
    let out = context.turns.len().div_ceil(2);
    context.turns.drain(..out);
    context.dropped += out;
    out > 0
}

/// An estimate of what the messages cost.
pub fn estimate(messages: &[Message<'_>]) -> i64 {
    messages.iter().map(|message| estimate_tokens(&message.content)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(turns: usize) -> Context {
        Context { turns: (0..turns).map(|i| (format!("q{i}"), format!("a{i}"))).collect(), dropped: 0 }
    }

    #[test]
    fn the_order_of_messages() {
        let path = context(1);
        let said: Vec<_> =
            messages("be kind", &path, "q1").iter().map(|m| format!("{}:{}", m.role, m.content)).collect();
        assert_eq!(said, ["system:be kind", "user:q0", "assistant:a0", "user:q1"]);
        assert_eq!(messages("", &Context::default(), "q").len(), 1);
    }

    #[test]
    fn halving_ends() {
        let mut path = context(5);
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
        assert_eq!(budget(Some(1000), &params, "abcd", "你好"), 1000 - 100 - 1 - 2 - 8);
        assert_eq!(budget(None, &Params::default(), "", ""), 16_000 - 1024 - 8);
    }
}
