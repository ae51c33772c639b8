//! What a message can say, checked.

use super::request::{Call, nullable};
use crate::accounts::is_model_name;
use crate::chat::{self, Message};
use crate::error::{Error, Fields, Result};
use crate::files;
use crate::model::{ConversationId, FileId, Params, TurnId};
use crate::store::Start;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const LONGEST_CLIENT_ID: usize = 64;

/// A message.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
pub struct ChatForm {
    /// What the person says.
    message: Option<String>,
    /// What the model is told first, for this message alone.
    system_prompt: Option<String>,
    model: Option<String>,
    /// Left out: a new one.
    conversation_id: Option<i64>,
    /// Left out: below the current turn. Null: a new root.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Option::is_none")]
    parent_id: Option<Option<i64>>,
    /// The client's own name for this send (1 to 64 characters): sent again with it, it answers with the same turn.
    client_id: Option<String>,
    /// Answer with events.
    pub stream: Option<bool>,
    /// 0 to 2.
    temperature: Option<f64>,
    /// 0 to 1.
    top_p: Option<f64>,
    /// Longest answer in tokens.
    max_tokens: Option<i64>,
    /// How hard a reasoning model thinks: none, minimal, low, medium, high, xhigh or max.
    reasoning_effort: Option<String>,
    /// Numbers of files to go with the message.
    attachments: Option<Vec<i64>>,
}

/// What is to be different when something is asked again.
#[derive(Clone, Default, Deserialize, Serialize, JsonSchema)]
pub struct RetryForm {
    system_prompt: Option<String>,
    model: Option<String>,
    client_id: Option<String>,
    pub stream: Option<bool>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    max_tokens: Option<i64>,
    reasoning_effort: Option<String>,
}

impl ChatForm {
    /// What it says, checked.
    pub fn message(self, call: &Call) -> Result<Message> {
        let longest = call.app.config.chat.max_message_chars;
        let mut faults = Fields::new();
        let params = params(&self, &mut faults);
        let text = self.message.as_deref().unwrap_or_default();
        let too_long = |text: &str| text.len() > longest && text.chars().count() > longest;
        let attachments: Vec<FileId> = self.attachments.iter().flatten().copied().map(FileId).collect();
        if text.trim().is_empty() && attachments.is_empty() {
            faults.push(("message".into(), "A message is needed.".into()));
        } else if too_long(text) {
            faults.push(("message".into(), format!("A message has at most {longest} characters.").into()));
        } else if text.contains('\0') {
            faults.push((
                "message".into(),
                "The message holds a character that cannot be stored (U+0000).".into(),
            ));
        }
        if self.system_prompt.as_deref().is_some_and(|prompt| too_long(prompt) || prompt.contains('\0')) {
            faults.push((
                "system_prompt".into(),
                format!("A system prompt has at most {longest} characters.").into(),
            ));
        }
        if !faults.is_empty() {
            return Err(Error::Invalid(faults));
        }
        let client = client(&self)?;
        Ok(Message {
            request: call.id.clone(),
            conversation: self.conversation_id.map(ConversationId),
            start: match self.parent_id {
                None => Start::Current,
                Some(None) => Start::Root,
                Some(Some(parent)) => Start::Below(TurnId(parent)),
            },
            client,
            attachments,
            model: self.model,
            system_prompt: self.system_prompt,
            params,
            text: self.message.unwrap_or_default(),
        })
    }
}

impl RetryForm {
    /// What it says, checked.
    pub fn message(self, turn: TurnId, call: &Call) -> Result<Message> {
        let as_chat = ChatForm {
            // The turn's own message is used; this one only has to pass, and tells retries of other turns apart.
            message: Some(format!("retry {turn}")),
            system_prompt: self.system_prompt,
            model: self.model,
            conversation_id: None,
            parent_id: None,
            client_id: self.client_id,
            stream: None,
            temperature: self.temperature,
            top_p: self.top_p,
            max_tokens: self.max_tokens,
            reasoning_effort: self.reasoning_effort,
            attachments: None,
        };
        as_chat.message(call)
    }
}

/// Checks what a form says beside the message.
fn params(form: &ChatForm, faults: &mut Fields) -> Params {
    let mut check = |name: &'static str, good: bool, sentence: &'static str| {
        if !good {
            faults.push((name.into(), sentence.into()));
        }
    };
    check("model", form.model.as_deref().is_none_or(is_model_name), "This is not the name of a model.");
    let good_id = |id: &String| {
        let length = id.chars().count();
        (1..=LONGEST_CLIENT_ID).contains(&length) && !id.chars().any(char::is_control)
    };
    check("client_id", form.client_id.as_ref().is_none_or(good_id), "This must have 1 to 64 characters.");
    let files = form.attachments.as_deref().unwrap_or_default();
    // Only of few: a body has room for a hundred thousand, and each would be compared with all before it.
    let few = files.len() <= files::MOST;
    let good = few && files.iter().enumerate().all(|(at, file)| !files[..at].contains(file));
    check("attachments", good, "A message takes at most 8 files, each once.");
    let params = Params {
        temperature: form.temperature,
        top_p: form.top_p,
        // What no u32 can hold is as far out of range as 0.
        max_tokens: form.max_tokens.map(|n| u32::try_from(n).unwrap_or(0)),
        reasoning_effort: form.reasoning_effort.clone(),
    };
    params.faults().for_each(|(name, sentence)| check(name, false, sentence));
    params
}

/// The client's name for a send, with the hash of all that makes it the same send.
fn client(form: &ChatForm) -> Result<Option<(String, String)>> {
    let Some(id) = form.client_id.clone() else {
        return Ok(None);
    };
    let same = ChatForm { client_id: None, stream: None, ..form.clone() };
    let body = serde_json::to_vec(&same).map_err(Error::internal)?;
    Ok(Some((id, chat::fingerprint(&body))))
}
