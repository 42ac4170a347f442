use super::*;

const PEM: &[u8] = b"-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n";
const PRIVATE_PEM: &[u8] = b"-----BEGIN PRIVATE KEY-----\nMFkw\n-----END PRIVATE KEY-----\n";

#[test]
fn keys_come_from_files_and_variables_in_the_order_of_the_file() {
    let loaded = Fixture::new(
        "[[auth.key]]\nid = \"a\"\nalgorithms = [\"HS256\"]\nsecret_file = \"secret\"\n\
         [[auth.key]]\nid = \"b\"\nalgorithms = [\"HS256\"]\nsecret_env = \"WARDROOM_SECRET\"\n\
         [[auth.key]]\nalgorithms = [\"RS256\", \"PS512\"]\npem_file = \"key.pem\"\n\
         [[auth.key]]\njwks_file = \"keys.json\"\n",
    )
    .variable("WARDROOM_SECRET", OTHER_SECRET)
    .file("key.pem", PEM)
    .file("keys.json", b"{\"keys\":[]}")
    .loaded();
    let keys = &loaded.config.auth.keys;
    let origins: Vec<&str> = keys.iter().map(|key| key.origin.as_str()).collect();
    let expected = [
        "auth.key[0].secret_file",
        "auth.key[1].secret_env",
        "auth.key[2].pem_file",
        "auth.key[3].jwks_file",
    ];
    assert_eq!(origins, expected);
    assert!(
        matches!(&keys[0].material, KeyMaterial::Secret(secret) if secret == SECRET.as_bytes())
    );
    assert!(
        matches!(&keys[1].material, KeyMaterial::Secret(secret) if secret == OTHER_SECRET.as_bytes())
    );
    assert!(matches!(&keys[2].material, KeyMaterial::Pem(pem) if pem == PEM));
    assert!(matches!(&keys[3].material, KeyMaterial::Jwks(_)));
    assert_eq!(keys[1].id.as_deref(), Some("b"));
    assert_eq!(keys[2].algorithms, ["RS256", "PS512"]);
    assert!(keys[3].algorithms.is_empty());
}

#[test]
fn no_secret_is_shown_by_debug_or_by_check() {
    let loaded = Fixture::with_key("").loaded();
    let debug = format!("{loaded:?}");
    assert!(!debug.contains(SECRET) && !debug.contains(&format!("{:?}", SECRET.as_bytes())));
    let row = loaded.settings.last().unwrap();
    assert_eq!((row.key.as_str(), row.unit), ("auth.key[0]", "key"));
    assert_eq!(row.value, "algorithms = [\"HS256\"], secret_file = ***");
}

fn key(lines: &str) -> String {
    format!("[[auth.key]]\n{lines}\n")
}

#[test]
fn every_unusable_key_is_refused_with_line_and_remedy() {
    let looked = "a file that this program may read (looked for in DIR)";
    let random = "a random secret, as from: openssl rand -hex 32";
    let secret_algorithms = "for secret_file, a list of HS256, HS384, HS512";
    let pem_algorithms = "for pem_file, a list of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA";
    let cases: &[(&str, String)] = &[
        (
            "algorithms = [\"HS256\"]",
            "c.toml:1: auth.key[0]: found none of them; allowed: exactly one of secret_file, secret_env, pem_file, \
             jwks_file"
                .to_owned(),
        ),
        (
            "algorithms = [\"HS256\"]\nsecret_file = \"secret\"\npem_file = \"key.pem\"",
            "c.toml:1: auth.key[0]: found secret_file and pem_file; allowed: exactly one of secret_file, \
             secret_env, pem_file, jwks_file"
                .to_owned(),
        ),
        (
            "algorithms = [\"HS256\"]\nsecret = \"hunter2hunter2\"\nsecret_file = \"secret\"",
            "c.toml:3: auth.key[0].secret: found an unknown key; allowed: algorithms, id, secret_file, secret_env, \
             pem_file, jwks_file"
                .to_owned(),
        ),
        (
            "algoritms = [\"HS256\"]\njwks_file = \"keys.json\"",
            "c.toml:2: auth.key[0].algoritms: found an unknown key; allowed: did you mean algorithms?".to_owned(),
        ),
        ("secret_file = \"secret\"", format!("c.toml:1: auth.key[0].algorithms: found nothing; allowed: {secret_algorithms}")),
        (
            "algorithms = []\nsecret_file = \"secret\"",
            format!("c.toml:2: auth.key[0].algorithms: found []; allowed: {secret_algorithms}"),
        ),
        (
            "algorithms = \"HS256\"\nsecret_file = \"secret\"",
            format!("c.toml:2: auth.key[0].algorithms: found \"HS256\"; allowed: {secret_algorithms}"),
        ),
        (
            "algorithms = [\"none\"]\nsecret_file = \"secret\"",
            format!("c.toml:2: auth.key[0].algorithms: found \"none\"; allowed: {secret_algorithms}"),
        ),
        (
            "algorithms = [\"hs256\"]\nsecret_file = \"secret\"",
            format!("c.toml:2: auth.key[0].algorithms: found \"hs256\"; allowed: {secret_algorithms}"),
        ),
        (
            "algorithms = [\"HS256\", \"RS256\"]\nsecret_file = \"secret\"",
            format!("c.toml:2: auth.key[0].algorithms: found \"RS256\"; allowed: {secret_algorithms}"),
        ),
        (
            "algorithms = [\"HS256\", \"HS256\"]\nsecret_file = \"secret\"",
            format!("c.toml:2: auth.key[0].algorithms: found \"HS256\" twice; allowed: {secret_algorithms}"),
        ),
        (
            "algorithms = [\"HS256\"]\npem_file = \"key.pem\"",
            format!("c.toml:2: auth.key[0].algorithms: found \"HS256\"; allowed: {pem_algorithms}"),
        ),
        (
            "algorithms = [\"HS256\"]\njwks_file = \"keys.json\"",
            format!("c.toml:2: auth.key[0].algorithms: found \"HS256\"; allowed: {}", pem_algorithms.replace("pem", "jwks")),
        ),
        (
            "algorithms = [\"RS256\", \"ES256\"]\npem_file = \"key.pem\"",
            "c.toml:2: auth.key[0].algorithms: found [\"RS256\", \"ES256\"]; allowed: algorithms of one kind of key"
                .to_owned(),
        ),
        (
            "algorithms = [\"HS256\"]\nid = \"\"\nsecret_file = \"secret\"",
            "c.toml:3: auth.key[0].id: found \"\"; allowed: 1 to 128 bytes without control characters".to_owned(),
        ),
        (
            "algorithms = [\"HS256\"]\nsecret_file = 5",
            "c.toml:3: auth.key[0].secret_file: found *** (not a text of 1 to 4096 bytes); allowed: a string".to_owned(),
        ),
        (
            "algorithms = [\"HS256\"]\nsecret_file = \"absent\"",
            format!("c.toml:3: auth.key[0].secret_file: found no such file; allowed: {looked}"),
        ),
        (
            "algorithms = [\"HS256\"]\nsecret_file = \".\"",
            "c.toml:3: auth.key[0].secret_file: found something that is not a file; allowed: a regular file".to_owned(),
        ),
        (
            "algorithms = [\"HS256\"]\nsecret_env = \"ABSENT\"",
            "c.toml:3: auth.key[0].secret_env: found a variable that is not set; allowed: the name of a variable that is set"
                .to_owned(),
        ),
        (
            "algorithms = [\"HS256\"]\nsecret_env = \"SHORT\"",
            "c.toml:3: auth.key[0].secret_env: found a secret of 31 bytes (***); allowed: at least 32 bytes for HS256"
                .to_owned(),
        ),
        (
            "algorithms = [\"HS256\", \"HS384\"]\nsecret_file = \"secret\"",
            "c.toml:3: auth.key[0].secret_file: found a secret of 32 bytes (***); allowed: at least 48 bytes for HS384"
                .to_owned(),
        ),
        (
            "algorithms = [\"HS512\"]\nsecret_file = \"secret\"",
            "c.toml:3: auth.key[0].secret_file: found a secret of 32 bytes (***); allowed: at least 64 bytes for HS512"
                .to_owned(),
        ),
        (
            "algorithms = [\"HS256\"]\nsecret_file = \"weak\"",
            format!("c.toml:3: auth.key[0].secret_file: found a well-known or typed secret (***); allowed: {random}"),
        ),
        (
            "algorithms = [\"HS256\"]\nsecret_file = \"repeated\"",
            format!("c.toml:3: auth.key[0].secret_file: found a secret that repeats itself (***); allowed: {random}"),
        ),
        (
            "algorithms = [\"ES256\"]\npem_file = \"secret\"",
            "c.toml:3: auth.key[0].pem_file: found a file that is not PEM; allowed: a public key as PEM"
                .to_owned(),
        ),
        (
            "algorithms = [\"ES256\"]\npem_file = \"private.pem\"",
            "c.toml:3: auth.key[0].pem_file: found a private key (***); allowed: the public key: this program only verifies"
                .to_owned(),
        ),
    ];
    for (lines, expected) in cases {
        let fixture = Fixture::new(&key(lines))
            .file("key.pem", PEM)
            .file("private.pem", PRIVATE_PEM)
            .file("keys.json", b"{}")
            .file("weak", b"your-secret-key")
            .file("repeated", "k9".repeat(16).as_bytes())
            .variable("SHORT", &SECRET[1..]);
        assert_eq!(
            fixture.errors().as_slice(),
            std::slice::from_ref(expected),
            "{lines}"
        );
    }
}

#[test]
fn two_keys_share_neither_id_nor_material() {
    let one = |id: &str, file: &str| {
        key(&format!(
            "id = \"{id}\"\nalgorithms = [\"HS256\"]\nsecret_file = \"{file}\""
        ))
    };
    let ids = Fixture::new(&(one("a", "secret") + &one("a", "other")))
        .file("other", OTHER_SECRET.as_bytes());
    assert_eq!(
        ids.errors(),
        ["c.toml:6: auth.key[1].id: found \"a\" once more; allowed: an id that no other key has"]
    );
    let material =
        Fixture::new(&(one("a", "secret") + &one("b", "copy"))).file("copy", SECRET.as_bytes());
    assert_eq!(
        material.errors(),
        [
            "c.toml:8: auth.key[1].secret_file: found the same material as auth.key[0].secret_file (***); \
          allowed: material that no other key has"
        ]
    );
}

#[test]
fn a_file_without_a_key_is_refused() {
    let allowed = "at least one [[auth.key]] or an auth.hook.url, so that somebody can sign in";
    assert_eq!(
        Fixture::new("").errors(),
        [format!("c.toml: auth.key: found none; allowed: {allowed}")]
    );
    for (text, found) in [
        ("auth.key = []", "0 entries"),
        ("auth.key = [5]", "a list with integer"),
        ("[auth.key]\nid = \"x\"", "table"),
        ("[auth]\nkey = \"hunter2\"", "string"),
    ] {
        let line = if text.starts_with("[auth]") { 2 } else { 1 };
        let expected =
            format!("c.toml:{line}: auth.key: found {found}; allowed: 1 to 64 tables [[auth.key]]");
        assert_eq!(Fixture::new(text).errors(), [expected], "{text}");
    }
}

#[cfg(unix)]
#[test]
fn a_secret_file_that_others_can_get_at_is_refused() {
    for mode in [0o644, 0o640, 0o604, 0o620, 0o602, 0o601] {
        let fixture = Fixture::with_key("");
        set_mode(&fixture.path("secret"), mode);
        let expected = format!(
            "c.toml:3: auth.key[0].secret_file: found a secret that others can get at (mode {mode:04o}); \
             allowed: mode 0600 or 0400 (chmod 600)"
        );
        assert_eq!(fixture.errors(), [expected]);
    }
    for mode in [0o600, 0o400, 0o700] {
        let fixture = Fixture::with_key("");
        set_mode(&fixture.path("secret"), mode);
        assert!(fixture.load().is_ok(), "{mode:o}");
    }
}

#[test]
fn a_secret_put_in_the_wrong_place_is_not_repeated() {
    let misplaced = "Zq8vNw3xLk7pRt2yHs6jBd9mFc4gTa5u";
    let texts = [
        key(&format!(
            "algorithms = [\"HS256\"]\nsecret_file = \"{misplaced}\""
        )),
        key(&format!(
            "algorithms = [\"HS256\"]\nsecret_env = \"{misplaced}\""
        )),
        key(&format!(
            "algorithms = [\"HS256\"]\nsecret = \"{misplaced}\""
        )),
        key(&format!(
            "algorithms = [\"HS256\"]\nsecret_file = [\"{misplaced}\"]"
        )),
        key(&format!(
            "algorithms = [\"HS256\"]\nsecret_file = {misplaced}"
        )),
        key(&format!(
            "algorithms = [\"HS256\"]\npem_file = \"{misplaced}\""
        )),
        format!("[auth]\nkey = \"{misplaced}\""),
        format!("[auth]\nsecret = \"{misplaced}\""),
    ];
    for text in texts {
        let errors = Fixture::new(&text)
            .variable("WARDROOM_AUTH_SECRET", misplaced)
            .errors();
        assert!(!errors.is_empty(), "{text}");
        assert!(!errors.join("\n").contains(misplaced), "{errors:?}");
    }
}
