use serde_json::json;
use tiebreak::domain::{Role, Turn};
use tiebreak::reward::prompt::{ChatTemplate, SpecialTokens};

fn render(template: &str, turns: &[Turn]) -> String {
    let special = SpecialTokens {
        bos: "<s>".to_owned(),
        eos: "</s>".to_owned(),
        ..SpecialTokens::default()
    };
    let template = ChatTemplate::new(template, special);
    template
        .and_then(|t| t.render(turns))
        .unwrap_or_else(|e| e.to_string())
}

fn talk() -> Vec<Turn> {
    vec![
        Turn::new(Role::System, " be <b> "),
        Turn::user("a"),
        Turn::assistant("b"),
    ]
}

#[test]
fn blocks_are_trimmed_as_transformers_trims_them() {
    let template = "{{ bos_token }}\n  {% for m in messages %}\n  [{{ m['role'] }}]\n  {% endfor %}\n{{ eos_token }}\n";
    assert_eq!(
        render(template, &talk()),
        "<s>\n  [system]\n  [user]\n  [assistant]\n</s>"
    );
}

/// Expected texts by jinja2 3.1.6 with `trim_blocks` and `lstrip_blocks`.
#[test]
fn generation_tags_leave_text_and_whitespace_alone() {
    let template = "{% for m in messages %}\n{% if m.role == 'assistant' %}\n  {%- generation -%}\n {{ m.content }} \n{%- endgeneration %} |\n{% else %}\n{% generation %}\nx\n{% endgeneration %}\n{% endif %}\n{% endfor %}";
    assert_eq!(render(template, &talk()), "x\nx\nb |\n");
}

#[test]
fn methods_of_python_work() {
    let template = "{{ messages[0].content.strip().upper() }} {{ messages[1]['content'].startswith('a') }} {{ messages | length }} {{ messages[-1].content }} {{ 'a,b'.split(',')[1] }}{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %} {{ ns.n }}";
    assert_eq!(render(template, &talk()), "BE <B> True 3 b b 3");
}

#[test]
fn json_is_written_as_python_writes_it() {
    let mut turns = talk();
    turns[2].tool_calls =
        Some(json!([{"name": "f", "arguments": {"x": "<é>", "n": [1, 2.5, null]}}]));
    let template = "{{ messages[2].tool_calls | tojson }}{{ messages[0].content | tojson }}";
    let expected = r#"[{"name": "f", "arguments": {"x": "<é>", "n": [1, 2.5, null]}}]" be <b> ""#;
    assert_eq!(render(template, &turns), expected);
    assert_eq!(render("{{ [1] | tojson(indent=2) }}", &turns), "[\n  1\n]");
}

#[test]
fn nothing_is_escaped_and_nothing_read_from_elsewhere() {
    assert_eq!(render("{{ messages[0].content }}", &talk()), " be <b> ");
    assert!(render("{% include '/etc/passwd' %}", &talk()).starts_with("chat template:"));
    assert!(
        render(
            "{% if tools %}x{% endif %}{% if not add_generation_prompt %}y{% endif %}",
            &talk()
        ) == "y"
    );
}

#[test]
fn refusals_and_errors_carry_their_message_and_line() {
    let refused = render(
        "a\n{{ raise_exception('System role not supported') }}",
        &talk(),
    );
    assert_eq!(refused, "chat template: System role not supported (line 2)");
    assert!(render("{% if %}", &talk()).starts_with("chat template:"));
    assert!(render("{{ strftime_now('%Y') }}", &talk()).starts_with("20"));
}

#[test]
fn templates_by_name_write_what_their_models_were_trained_on() {
    use tiebreak::reward::prompt::named;
    let talk = vec![
        Turn::new(Role::System, "Be kind."),
        Turn::user("One?"),
        Turn::assistant("Two."),
        Turn::user("Three?"),
        Turn::assistant("Four."),
    ];
    let plain = &talk[1..];
    for (name, with_system, without) in [
        ("raw", "Be kind.One?Two.Three?Four.", "One?Two.Three?Four."),
        (
            "hh",
            "\n\nHuman: Be kind.\n\nHuman: One?\n\nAssistant: Two.\n\nHuman: Three?\n\nAssistant: Four.",
            "\n\nHuman: One?\n\nAssistant: Two.\n\nHuman: Three?\n\nAssistant: Four.",
        ),
        (
            "nemo-extra-id",
            "<extra_id_0>System\nBe kind.\n<extra_id_1>User\nOne?\n<extra_id_1>Assistant\nTwo.\n<extra_id_1>User\nThree?\n<extra_id_1>Assistant\nFour.\n<extra_id_1>",
            "<extra_id_0>System\n\n<extra_id_1>User\nOne?\n<extra_id_1>Assistant\nTwo.\n<extra_id_1>User\nThree?\n<extra_id_1>Assistant\nFour.\n<extra_id_1>",
        ),
        (
            "llama2",
            "<s>[INST] <<SYS>>\nBe kind.\n<</SYS>>\n\nOne? [/INST] Two. </s><s>[INST] Three? [/INST] Four. </s>",
            "<s>[INST] One? [/INST] Two. </s><s>[INST] Three? [/INST] Four. </s>",
        ),
        (
            "tulu",
            "<|system|>\nBe kind.\n<|user|>\nOne?\n<|assistant|>\nTwo.</s>\n<|user|>\nThree?\n<|assistant|>\nFour.</s>",
            "<|user|>\nOne?\n<|assistant|>\nTwo.</s>\n<|user|>\nThree?\n<|assistant|>\nFour.</s>",
        ),
        (
            "user-assistant",
            "User: Be kind.\n\nUser: One?\n\nAssistant: Two.\n\nUser: Three?\n\nAssistant: Four.",
            "User: One?\n\nAssistant: Two.\n\nUser: Three?\n\nAssistant: Four.",
        ),
    ] {
        let template = named(name).unwrap();
        assert_eq!(render(template, &talk), with_system, "{name}");
        assert_eq!(render(template, plain), without, "{name}");
    }
    assert!(named("no-such").is_none());
}

#[test]
fn a_template_that_never_ends_is_stopped() {
    let template = "{% for a in range(100000) %}{% for b in range(100000) %}{{ a * b }}{% endfor %}{% endfor %}";
    let started = std::time::Instant::now();
    let said = render(template, &talk());
    assert!(said.contains("fuel"), "{}", &said[..said.len().min(200)]);
    assert!(started.elapsed() < std::time::Duration::from_mins(1));
}
