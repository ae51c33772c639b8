//! A person's own prompts.

use super::reply;
use super::request::Call;
use super::route::{Access, Response, Route, Run, Size, Verb};
use crate::accounts::is_line;
use crate::error::{Error, Fields, Result};
use crate::store::Prompt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const LONGEST_NAME: usize = 60;

/// The rows of this noun.
pub const ROUTES: &[Route] = &[
    Route::new::<PromptsReply>(Verb::Get, "/api/prompts", Access::User, Run::Blocking(list))
        .about("The person's own prompts, by name."),
    Route::new::<PromptReply>(Verb::Post, "/api/prompts", Access::User, Run::Blocking(create))
        .takes::<PromptForm>(Size::Messages)
        .about("Keeps a prompt; its name is unique. `{{variables}}` are filled in by the page."),
    Route::new::<PromptReply>(Verb::Patch, "/api/prompts/{id}", Access::User, Run::Blocking(change))
        .takes::<PromptForm>(Size::Messages)
        .about("Changes a prompt; what is left out stays."),
    Route::new::<reply::MessageReply>(Verb::Delete, "/api/prompts/{id}", Access::User, Run::Blocking(delete))
        .about("Deletes a prompt."),
];

#[derive(Deserialize, JsonSchema)]
struct PromptForm {
    name: Option<String>,
    text: Option<String>,
}

/// All of them.
#[derive(Serialize, JsonSchema)]
struct PromptsReply {
    prompts: Vec<PromptReply>,
    next: Option<String>,
}

/// A prompt to use again.
#[derive(Serialize, JsonSchema)]
struct PromptReply {
    id: i64,
    name: String,
    text: String,
}

impl From<Prompt> for PromptReply {
    fn from(prompt: Prompt) -> PromptReply {
        PromptReply { id: prompt.id, name: prompt.name, text: prompt.text }
    }
}

/// Checks what is there; `all` says that nothing may be missing.
fn checked(call: &Call, all: bool) -> Result<(Option<String>, Option<String>)> {
    let form: PromptForm = call.json()?;
    let name = form.name.map(|name| name.trim().to_owned());
    let mut faults = Fields::new();
    let longest = call.app.config.chat.max_message_chars;
    let good_name = |name: &String| !name.is_empty() && name.chars().count() <= LONGEST_NAME && is_line(name);
    if !name.as_ref().map_or(!all, good_name) {
        faults.push(("name".into(), "A name is one line of at most 60 characters.".into()));
    }
    let good_text =
        |text: &String| !text.trim().is_empty() && text.chars().count() <= longest && !text.contains('\0');
    if !form.text.as_ref().map_or(!all, good_text) {
        faults.push(("text".into(), format!("A prompt has 1 to {longest} characters.").into()));
    }
    if faults.is_empty() { Ok((name, form.text)) } else { Err(Error::Invalid(faults)) }
}

fn list(call: &Call) -> Result<Response> {
    let prompts = call.app.store.prompts(call.identity()?.user)?;
    reply::json(&PromptsReply { prompts: prompts.into_iter().map(PromptReply::from).collect(), next: None })
}

fn create(call: &Call) -> Result<Response> {
    let (name, text) = checked(call, true)?;
    let (name, text) = (name.unwrap_or_default(), text.unwrap_or_default());
    let made = call.app.store.create_prompt(call.identity()?.user, name, text)?;
    reply::json(&PromptReply::from(made))
}

fn change(call: &Call) -> Result<Response> {
    let (name, text) = checked(call, false)?;
    let changed = call.app.store.change_prompt(call.identity()?.user, call.id_at(0, |id| id)?, name, text)?;
    reply::json(&PromptReply::from(changed))
}

fn delete(call: &Call) -> Result<Response> {
    call.app.store.delete_prompt(call.identity()?.user, call.id_at(0, |id| id)?)?;
    reply::message("Deleted")
}
