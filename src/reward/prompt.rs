//! Chat templates: a conversation as the text that a model was trained on. Jinja as transformers runs it.

use jiff::Zoned;
use minijinja::value::{Kwargs, Value};
use minijinja::{Environment, Error, ErrorKind, context, syntax::SyntaxConfig};
use serde::{Deserialize as _, Serialize as _};

use super::RewardError;
use crate::domain::Turn;

/// Special tokens that templates may name, as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpecialTokens {
    /// Beginning of the text; empty where there is none.
    pub bos: String,
    /// End of the text or turn.
    pub eos: String,
    /// Padding.
    pub pad: String,
    /// Unknown.
    pub unk: String,
}

/// A compiled chat template.
#[derive(Debug)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    special: SpecialTokens,
}

const NAME: &str = "chat";
/// How much a template may do for one conversation: thousands of turns, but no endless loop.
const FUEL: u64 = 20_000_000;

/// Templates by name, for models that bring none.
///
/// `raw`: the turns one after the other (`RewardBench`). `hh`: `\n\nHuman: …\n\nAssistant: …` (HH-RLHF). `nemo-extra-id`: NeMo-Aligner's
/// `<extra_id_…>` with the end of turn that it adds. `llama2`: `[INST]` with the system turn in `<<SYS>>` (Meta). `tulu`: `<|user|>` and
/// `<|assistant|>` on lines of their own (open-instruct). `user-assistant`: `User: …\n\nAssistant: …` (`UltraRM`).
pub const NAMED: [(&str, &str); 6] = [
    ("raw", "{% for m in messages %}{{ m.content }}{% endfor %}"),
    (
        "hh",
        "{% for m in messages %}{{ '\n\nAssistant: ' if m.role == 'assistant' else '\n\nHuman: ' }}{{ m.content }}{% endfor %}",
    ),
    (
        "nemo-extra-id",
        "{{ '<extra_id_0>System\n' }}{% if messages[0].role == 'system' %}{{ messages[0].content }}{% endif %}{{ '\n' }}\
         {% for m in messages %}{% if m.role != 'system' %}\
         {{ '<extra_id_1>' + ('Assistant' if m.role == 'assistant' else 'User') + '\n' + m.content + '\n' }}\
         {% endif %}{% endfor %}{{ '<extra_id_1>' }}",
    ),
    (
        "llama2",
        "{% set ns = namespace(system='') %}{% for m in messages %}{% if m.role == 'system' %}\
         {% set ns.system = '<<SYS>>\n' + m.content + '\n<</SYS>>\n\n' %}{% elif m.role == 'assistant' %}\
         {{ ' ' + m.content + ' ' + eos_token }}{% else %}{{ bos_token + '[INST] ' + ns.system + m.content + ' [/INST]' }}\
         {% set ns.system = '' %}{% endif %}{% endfor %}",
    ),
    (
        "tulu",
        "{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content }}{% if m.role == 'assistant' %}{{ eos_token }}{% endif %}\
         {% if not loop.last %}{{ '\n' }}{% endif %}{% endfor %}",
    ),
    (
        "user-assistant",
        "{% for m in messages %}{{ 'Assistant: ' if m.role == 'assistant' else 'User: ' }}{{ m.content }}\
         {% if not loop.last %}{{ '\n\n' }}{% endif %}{% endfor %}",
    ),
];

/// A template by its name.
pub fn named(name: &str) -> Option<&'static str> {
    let found = NAMED.iter().find(|(known, _)| *known == name);
    found.map(|(_, template)| *template)
}

/// The names of the templates, for a message.
pub fn names() -> String {
    let names: Vec<&str> = NAMED.iter().map(|(name, _)| *name).collect();
    names.join(", ")
}

impl ChatTemplate {
    /// Compiles `source`.
    pub fn new(source: &str, special: SpecialTokens) -> Result<Self, RewardError> {
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()
            .map_err(failed)?;
        environment.set_syntax(syntax);
        environment.set_fuel(Some(FUEL));
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function(
            "raise_exception",
            |message: String| -> Result<Value, Error> {
                Err(Error::new(ErrorKind::InvalidOperation, message))
            },
        );
        environment.add_function("strftime_now", |format: String| {
            jiff::fmt::strtime::format(&format, &Zoned::now())
                .map_err(|e| Error::new(ErrorKind::InvalidOperation, e.to_string()))
        });
        environment.add_filter("tojson", tojson);
        environment
            .add_template_owned(NAME, without_generation_tags(source))
            .map_err(failed)?;
        Ok(Self {
            environment,
            special,
        })
    }

    /// The conversation as text, with all that the template adds, and no prompt for a further reply.
    pub fn render(&self, turns: &[Turn]) -> Result<String, RewardError> {
        let messages: Vec<Value> = turns
            .iter()
            .map(|turn| {
                let (role, content) = (turn.role.as_str(), &turn.content);
                match &turn.tool_calls {
                    None => Ok(context! { role, content }),
                    Some(calls) => {
                        let tool_calls = Value::deserialize(calls)?;
                        Ok(context! { role, content, tool_calls })
                    }
                }
            })
            .collect::<Result<_, serde_json::Error>>()
            .map_err(|e| RewardError::Template(format!("tool calls: {e}")))?;
        let SpecialTokens { bos, eos, pad, unk } = &self.special;
        self.environment
            .get_template(NAME)
            .and_then(|template| {
                template.render(context! {
                    messages,
                    add_generation_prompt => false,
                    tools => (),
                    documents => (),
                    bos_token => bos,
                    eos_token => eos,
                    pad_token => pad,
                    unk_token => unk,
                })
            })
            .map_err(failed)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "handed to `map_err`")]
fn failed(error: Error) -> RewardError {
    let place = error.line().map(|line| format!(" (line {line})"));
    RewardError::Template(format!(
        "{}{}",
        error
            .detail()
            .map_or_else(|| error.kind().to_string(), str::to_owned),
        place.unwrap_or_default()
    ))
}

/// `{% generation %}` marks what is trained on and leaves the text as it is; Jinja itself does not know it. It becomes a condition
/// that holds, because that trims the whitespace around it alike.
fn without_generation_tags(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find("{%") {
        let (before, tag) = rest.split_at(at);
        out.push_str(before);
        let Some(end) = tag.find("%}") else {
            rest = tag;
            break;
        };
        let (tag, after) = tag.split_at(end + 2);
        let word = tag[2..end].trim_matches(|c: char| c.is_whitespace() || c == '-' || c == '+');
        match word {
            "generation" => out.push_str(&tag.replacen("generation", "if true", 1)),
            "endgeneration" => out.push_str(&tag.replacen("endgeneration", "endif", 1)),
            _ => out.push_str(tag),
        }
        rest = after;
    }
    out + rest
}

#[expect(clippy::needless_pass_by_value, reason = "the shape of a filter")]
/// As Python's `json.dumps(value, ensure_ascii=False, indent=indent)`, which is what transformers registers: a space after
/// `,` and `:`, nothing escaped for HTML.
fn tojson(value: &Value, options: Kwargs) -> Result<Value, Error> {
    let bad = |e: serde_json::Error| Error::new(ErrorKind::BadSerialization, e.to_string());
    let indent: Option<usize> = options.get("indent")?;
    let mut out = Vec::new();
    if let Some(width) = indent {
        let spaces = vec![b' '; width.min(64)];
        let formatter = serde_json::ser::PrettyFormatter::with_indent(&spaces);
        let mut to = serde_json::Serializer::with_formatter(&mut out, formatter);
        value.serialize(&mut to).map_err(bad)?;
    } else {
        let mut to = serde_json::Serializer::with_formatter(&mut out, Spaced);
        value.serialize(&mut to).map_err(bad)?;
    }
    let text = String::from_utf8(out)
        .map_err(|e| Error::new(ErrorKind::BadSerialization, e.to_string()))?;
    Ok(Value::from_safe_string(text))
}

struct Spaced;

impl serde_json::ser::Formatter for Spaced {
    fn begin_array_value<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
    ) -> std::io::Result<()> {
        writer.write_all(b": ")
    }
}
