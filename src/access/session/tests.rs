use super::*;

#[test]
fn a_value_is_recognised_by_its_exact_form_and_stored_as_its_sha_256() {
    let value = SessionValue::new([0; 32]);
    let text = value.reveal();
    assert_eq!(text, format!("wrs_{}", "A".repeat(43)));
    assert_eq!(SessionDigest::of(text), Some(value.digest()));
    // echo -n wrs_AAA… | sha256sum
    assert_eq!(value.digest().id().to_string().len(), 32);
    assert!(
        SessionValue::new([1; 32]).digest() != value.digest()
            && format!("{value:?}") == "SessionValue(***)"
    );
    let long = format!("{text}A");
    let padded = format!("{text}=");
    let stray = format!("wrs_{}B", "A".repeat(42));
    for wrong in [
        "",
        "wrs_",
        &text[4..],
        &text[..46],
        &long,
        &padded,
        &stray,
        "WRS_AAAA",
    ] {
        assert_eq!(SessionDigest::of(wrong), None, "{wrong}");
    }
}

#[test]
fn an_id_reads_back_as_itself_and_nothing_else_is_one() {
    let id = SessionValue::new([7; 32]).digest().id();
    assert_eq!(SessionId::parse(&id.to_string()), Some(id));
    assert_eq!(
        SessionId(u128::to_be_bytes(1)).to_string(),
        format!("{:032}", 1)
    );
    for wrong in [
        "",
        "0",
        "+0000000000000000000000000000001",
        &"g".repeat(32),
        &"0".repeat(33),
    ] {
        assert_eq!(SessionId::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn a_session_is_good_until_its_last_millisecond() {
    let value = SessionValue::new([1; 32]);
    let record = SessionRecord {
        digest: value.digest(),
        user: "alice".into(),
        name: "Alice".into(),
        label: "".into(),
        created: Wall::from_millis(1000),
        expires: Wall::from_millis(2000),
        last_used: None,
    };
    let identity = record.identity(Wall::from_millis(1999)).unwrap();
    assert_eq!((&*identity.user, &*identity.name), ("alice", "Alice"));
    assert_eq!(identity.expires, Some(Wall::from_millis(2000)));
    assert_eq!(identity.grant.session, Some(value.digest().id()));
    assert_eq!(identity.grant.issued, Some(Wall::from_millis(1000)));
    assert_eq!(
        record.identity(Wall::from_millis(2000)),
        Err(AuthError::Expired)
    );
}
