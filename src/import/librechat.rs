//! LibreChat's export: a conversation a file, its messages in a list or, in the recursive form, each within its parent.

use super::json::{Object, text};
use super::prose;
use super::tree::{Chat, Message, Role};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;

/// What a first message follows.
const ROOT: &str = "00000000-0000-0000-0000-000000000000";
const MOST_MESSAGES: usize = 100_000;
/// Fields of one message; it has some thirty.
const MOST_FIELDS: usize = 1000;

/// Reads a conversation. Its text may be nested as deep as `split::DEEPEST`, so this wants a large stack.
pub fn read(object: &Object<'_>) -> Option<Chat> {
    let raw = object.raw("messagesTree").or_else(|| object.raw("messages"))?;
    let mut messages = Vec::new();
    let mut reader = serde_json::Deserializer::from_str(raw);
    reader.disable_recursion_limit();
    Messages { found: &mut messages }.deserialize(&mut reader).ok()?;
    let options = object.value("options");
    Some(Chat {
        id: object.text(&["conversationId"]),
        title: object.text(&["title"]),
        model: text(&options["model"]).map(str::to_owned),
        system_prompt: text(&options["promptPrefix"]).map(str::to_owned),
        pinned: false,
        archived: object.flag("isArchived"),
        created: object.time(&["createdAt"]),
        updated: object.time(&["updatedAt"]),
        current: None,
        messages,
    })
}

/// A list of messages, put into one list however deep they are.
struct Messages<'a> {
    found: &'a mut Vec<Message>,
}

impl<'de> DeserializeSeed<'de> for Messages<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Messages<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of messages")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Nested { found: self.found })?.is_some() {
            if self.found.len() > MOST_MESSAGES {
                return Err(A::Error::custom("too many messages"));
            }
        }
        Ok(())
    }
}

/// A message with those below it.
struct Nested<'a> {
    found: &'a mut Vec<Message>,
}

impl<'de> DeserializeSeed<'de> for Nested<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Nested<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let at = self.found.len();
        self.found.push(Message::default());
        let (mut fields, mut below) = (Object(Vec::new()), 0);
        while let Some(key) = map.next_key::<String>()? {
            if key == "children" {
                below = self.found.len();
                map.next_value_seed(Messages { found: self.found })?;
            } else if fields.0.len() < MOST_FIELDS {
                fields.0.push((Cow::Owned(key), map.next_value()?));
            } else {
                return Err(A::Error::custom("too many fields"));
            }
        }
        let message = message(&fields);
        // Children may have been read before the message's own name was known.
        if below > 0 {
            let orphans = self.found[below..].iter_mut().filter(|message| message.parent.is_none());
            orphans.for_each(|orphan| orphan.parent = Some(message.id.clone()));
        }
        self.found[at] = message;
        Ok(())
    }
}

fn message(fields: &Object<'_>) -> Message {
    let (mut said, mut thought) = (String::new(), String::new());
    for part in fields.value("content").as_array().into_iter().flatten() {
        match part["type"].as_str() {
            Some("think") => prose::add(&mut thought, text_of(&part["think"]).unwrap_or_default()),
            _ => prose::add(&mut said, &self::part(part)),
        }
    }
    if said.is_empty() {
        said = fields.text(&["text"]).unwrap_or_default();
        if let Some((thoughts, answer)) = prose::lift_thoughts(&said) {
            prose::add(&mut thought, thoughts);
            said = answer.to_owned();
        }
    }
    for file in fields.value("files").as_array().into_iter().flatten() {
        prose::add(&mut said, &prose::named_file(text(&file["filename"]).unwrap_or("file")));
    }
    let by_person = match fields.value("isCreatedByUser") {
        Value::Bool(by_person) => by_person,
        _ => fields.text(&["sender"]).is_some_and(|sender| sender.eq_ignore_ascii_case("user")),
    };
    Message {
        id: fields.text(&["messageId"]).unwrap_or_default(),
        parent: fields.text(&["parentMessageId"]).filter(|parent| parent != ROOT),
        role: if by_person { Role::Person } else { Role::Model },
        text: said,
        files: Vec::new(),
        reasoning: thought,
        model: fields.text(&["model"]).filter(|_| !by_person),
        time: fields.time(&["createdAt"]),
    }
}

/// Text, which stands by itself or in an object.
fn text_of(value: &Value) -> Option<&str> {
    text(value).or(text(&value["value"]))
}

fn part(part: &Value) -> String {
    match part["type"].as_str() {
        Some("text") => text_of(&part["text"]).unwrap_or_default().to_owned(),
        Some("tool_call") => {
            let call = &part["tool_call"];
            let name = text(&call["name"]).or(text(&call["function"]["name"])).unwrap_or("tool");
            let output = text(&call["output"]).or(text(&call["function"]["output"]));
            let output = output.map(|output| prose::fence("", output)).unwrap_or_default();
            format!("{}\n\n{output}", prose::named_file(name)).trim_end().to_owned()
        }
        Some("image_file" | "image_url") => prose::PICTURE.into(),
        Some("error") => {
            let sentence = text_of(&part["error"]).or(text_of(&part["text"])).unwrap_or("error");
            format!("*({sentence})*")
        }
        _ => text_of(&part["text"]).map_or_else(|| prose::unknown(part), str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::tests::{NOW, taken, turns};
    use crate::import::{Format, conversation};
    use serde_json::json;

    fn said(id: &str, parent: &str, by_person: bool, text: &str) -> Value {
        json!({"messageId": id, "parentMessageId": parent, "isCreatedByUser": by_person, "sender": if by_person { "User" } else { "GPT-4" },
            "text": text, "model": if by_person { json!(null) } else { json!("gpt-4") }, "createdAt": "2023-11-14T22:13:20.000Z",
            "unfinished": false, "error": false})
    }

    #[test]
    fn flat_with_branches() {
        let export = json!({"conversationId": "c1", "title": "T", "endpoint": "openAI", "recursive": false, "branches": true,
            "options": {"model": "gpt-4o", "promptPrefix": "Be brief."},
            "messages": [said("u1", ROOT, true, "q"), said("a1", "u1", false, "a"), said("a2", "u1", false, "b"), said("u2", ROOT, true, "r")]});
        let imported = taken(Format::LibreChat, &export);
        assert_eq!(turns(&imported), ["q > a", "q > b", "r > "]);
        assert_eq!(
            (imported.system_prompt.as_deref(), imported.turns[0].model.as_str()),
            (Some("Be brief."), "gpt-4")
        );
        assert_eq!((imported.turns[2].model.as_str(), imported.created), ("gpt-4o", 1_700_000_000));
    }

    #[test]
    fn nested_with_children_before_and_after_the_name() {
        let mut last = said("u2", "", true, "r");
        last["parentMessageId"] = json!(null);
        let text = format!(
            "{{\"conversationId\":\"c1\",\"recursive\":true,\"messagesTree\":[{{\"children\":[{{\"messageId\":\"a1\",\"text\":\"a\",\"children\":[{last}]}}],\
             \"messageId\":\"u1\",\"isCreatedByUser\":true,\"text\":\"q\"}}]}}"
        );
        let Ok(read) = conversation(text.as_bytes(), NOW) else { panic!() };
        let imported = read.conversation;
        assert_eq!(
            (turns(&imported), imported.turns[1].parent),
            (vec!["q > a".to_owned(), "r > ".to_owned()], Some(0))
        );
    }

    #[test]
    fn parts_of_every_kind() {
        let mut answer = said("a1", "u1", false, "");
        answer["content"] = json!([
            {"type": "think", "think": "plan"}, {"type": "text", "text": {"value": "one"}}, {"type": "text", "text": "two"},
            {"type": "tool_call", "tool_call": {"name": "dice", "args": "{}", "output": "4"}}, {"type": "image_file"},
            {"type": "error", "error": "broke"}, {"type": "hologram", "x": 1}, 7,
        ]);
        let mut question = said("u1", ROOT, true, "q");
        question["files"] = json!([{"filename": "a.pdf"}]);
        let tagged = said("a2", "u2", false, "<think>\nhm\n</think>\nyes");
        let messages = json!([question, answer, said("u2", "a1", true, "r"), tagged, null, "x"]);
        let export = json!({"conversationId": "c1", "messages": messages});
        assert!(
            conversation(export.to_string().as_bytes(), NOW).is_err(),
            "a message that is text is no message"
        );
        let export = json!({"conversationId": "c1", "messages": messages.as_array().unwrap()[..5]});
        let imported = taken(Format::LibreChat, &export);
        assert_eq!(imported.turns[0].prompt, "q\n\n*[a.pdf]*");
        let response = &imported.turns[0].response;
        assert!(
            response
                .starts_with("one\n\ntwo\n\n*[dice]*\n\n```\n4\n```\n\n*[picture]*\n\n*(broke)*\n\n```json"),
            "{response}"
        );
        assert_eq!(
            (imported.turns[0].reasoning.as_str(), imported.turns[1].reasoning.as_str()),
            ("plan", "hm")
        );
        assert_eq!(imported.turns[1].response, "yes");
    }

    #[test]
    fn as_deep_as_anything_may_be() {
        let depth = (crate::import::split::DEEPEST - 16) / 4 * 2;
        let mut text = String::from("{\"conversationId\":\"c1\",\"messagesTree\":");
        for i in 0..depth {
            text += &format!(
                "[{{\"messageId\":\"{i}\",\"isCreatedByUser\":{},\"text\":\"{i}.\",\"children\":",
                i % 2 == 0
            );
        }
        text += "[]";
        text += &"}]".repeat(depth);
        text += "}";
        let read = move || conversation(text.as_bytes(), NOW).map(|read| read.conversation);
        let thread = std::thread::Builder::new().stack_size(crate::import::STACK);
        let Ok(imported) = thread.spawn(read).unwrap().join().unwrap() else { panic!() };
        assert_eq!(imported.turns.len(), depth / 2);
        assert_eq!(imported.turns.last().unwrap().parent, Some(depth / 2 - 2));
    }
}
