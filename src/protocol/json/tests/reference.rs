//! The reader against a slow and plain one, over whatever texts come to mind.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// JSON values, as text; often with the same names, sometimes deep, sometimes wide.
fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        "-?[0-9]{1,22}(\\.[0-9]{1,3})?([eE][-+]?[0-9]{1,3})?",
        any_string(),
    ];
    leaf.prop_recursive(20, 80, 40, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[{}]", items.join(","))),
            inner.clone().prop_map(|item| format!("[[[[{item}]]]]")),
            prop::collection::vec((any_string(), inner), 0..40).prop_map(|fields| {
                let fields: Vec<_> = fields.iter().map(|(k, v)| format!("{k}: {v}")).collect();
                format!("{{{}}}", fields.join(" ,"))
            }),
        ]
    })
}

fn any_string() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "\"[a-z]{0,2}\"",
        1 => "\"[a-z]{4}\"",
        1 => any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        1 => "\"(\\\\u00[0-7][0-9a-f]|\\\\[bfnrt/\"\\\\]|\\\\u[dD][89a-fA-F][0-9]{2}){1,2}\"",
    ]
}

/// Slow and plain: says of a text what [`parse_object`] must say. Duplicates are found by how many fields a map lost.
fn reference(text: &str) -> Result<(), JsonError> {
    use serde_json::Value;

    fn depth(value: &Value) -> usize {
        match value {
            Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
            Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// Every object of the text, as its names in order, duplicates kept.
    struct Names(Vec<Vec<String>>);

    impl<'de> serde::Deserialize<'de> for Names {
        fn deserialize<D: serde::Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
            struct All;
            impl<'de> Visitor<'de> for All {
                type Value = Vec<Vec<String>>;
                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("json")
                }
                fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                    Ok(Vec::new())
                }
                fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                    Ok(Vec::new())
                }
                fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                    Ok(Vec::new())
                }
                fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                    Ok(Vec::new())
                }
                fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
                    Ok(Vec::new())
                }
                fn visit_unit<E>(self) -> Result<Self::Value, E> {
                    Ok(Vec::new())
                }
                fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                    let mut all = Vec::new();
                    while let Some(Names(names)) = seq.next_element()? {
                        all.extend(names);
                    }
                    Ok(all)
                }
                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                    let (mut own, mut all) = (Vec::new(), Vec::new());
                    while let Some((name, Names(names))) = map.next_entry::<String, Names>()? {
                        own.push(name);
                        all.extend(names);
                    }
                    all.push(own);
                    Ok(all)
                }
            }
            json.deserialize_any(All).map(Names)
        }
    }

    let value: Value = serde_json::from_str(text).map_err(|_| JsonError::Syntax)?;
    if depth(&value) > DEPTH_MAX {
        return Err(JsonError::TooDeep);
    }
    if !value.is_object() {
        return Err(JsonError::NotAnObject);
    }
    let Names(objects) = serde_json::from_str(text).unwrap();
    let distinct = |names: &Vec<String>| {
        let set: BTreeSet<_> = names.iter().collect();
        set.len()
    };
    if objects.iter().any(|names| distinct(names) > FIELDS_MAX) {
        return Err(JsonError::TooManyFields);
    }
    if objects.iter().any(|names| distinct(names) < names.len()) {
        return Err(JsonError::DuplicateField);
    }
    Ok(())
}

/// The reference does not know which of two bounds a text passes first.
fn agree(text: &str) -> Result<(), TestCaseError> {
    let bound = |verdict| {
        matches!(
            verdict,
            Err(JsonError::TooManyFields | JsonError::DuplicateField)
        )
    };
    let (ours, reference) = (verdict(text), reference(text));
    // A text that is too deep is not read on, so what comes after it is not known to be JSON.
    let deep_then_broken = ours == Err(JsonError::TooDeep) && reference == Err(JsonError::Syntax);
    prop_assert!(
        ours == reference || (bound(ours) && bound(reference)) || deep_then_broken,
        "{ours:?} instead of {reference:?} for {text}"
    );
    Ok(())
}

proptest! {
    #[test]
    fn any_text_gets_a_verdict(text in any::<String>()) {
        agree(&text)?;
    }

    #[test]
    fn json_gets_the_verdict_of_a_plain_reference(text in any_json()) {
        agree(&text)?;
        agree(&format!("{{\"x\":{text}}}"))?;
    }

    #[test]
    fn broken_json_gets_the_verdict_of_a_plain_reference(
        text in any_json(),
        at in any::<prop::sample::Index>(),
        with in "[\\[\\]{}\",:0-9a-f\\\\]?",
    ) {
        let mut characters: Vec<char> = text.chars().collect();
        let at = at.index(characters.len());
        characters.splice(at..=at, with.chars());
        let text: String = characters.into_iter().collect();
        agree(&text)?;
        agree(&format!("{{\"x\":{text}}}"))?;
    }
}
