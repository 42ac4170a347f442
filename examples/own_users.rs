//! A program with users of its own: it knows people by API keys in a table, and has no JWTs.
//!
//! `cargo run --example own_users` makes a key for each of two people and prints how each connects.

use std::collections::HashMap;
use std::error::Error;

use aws_lc_rs::{digest, rand};
use wardroom::access::{AuthError, Authenticator, Credential, Identity, IdentityError};
use wardroom::config::Config;
use wardroom::reactor::Server;
use wardroom::time::{Now, Wall};

/// Everybody who may come in, by the SHA-256 of their key.
///
/// The keys themselves are not kept. A lookup compares hashes, so the time that it takes says nothing about a key.
#[derive(Default)]
struct ApiKeys {
    people: HashMap<[u8; 32], Identity>,
}

impl ApiKeys {
    /// Lets in whoever shows `key`, until `expires`.
    fn add(
        &mut self,
        key: &str,
        user: &str,
        name: &str,
        expires: Option<Wall>,
    ) -> Result<(), IdentityError> {
        let identity = Identity::new(user, name, expires)?;
        self.people.insert(sha256(key), identity);
        Ok(())
    }
}

impl Authenticator for ApiKeys {
    /// The same for every source: bearer header, cookie and `?token=`.
    fn authenticate(&self, credential: Credential<'_>, now: Now) -> Result<Identity, AuthError> {
        let identity = self
            .people
            .get(&sha256(credential.value))
            .ok_or(AuthError::Invalid)?;
        match identity.expires {
            Some(expires) if expires <= now.wall => Err(AuthError::Expired),
            _ => Ok(identity.clone()),
        }
    }
}

fn sha256(text: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    hash
}

fn random_key() -> Result<String, Box<dyn Error>> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| "the system gives no random bytes")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn main() -> Result<(), Box<dyn Error>> {
    let (ada, grace) = (random_key()?, random_key()?);
    let mut users = ApiKeys::default();
    users.add(&ada, "u-1", "Ada", None)?;
    users.add(&grace, "u-2", "Grace", None)?;

    let mut config = Config::default();
    config.listen.address = ([127, 0, 0, 1], 0).into();
    config.private.enabled = false;
    let mut server = Server::bind(config, Box::new(users))?;
    server.stop_on_signals()?;

    let address = server.local_address();
    println!("Ada:    http://{address}/#token={ada}");
    println!("Grace:  http://{address}/#token={grace}");
    println!("A program: ws://{address}/ws/chat with the header Authorization: Bearer KEY");
    server.run()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpStream;
    use std::thread;
    use std::time::Duration;

    use wardroom::simulation::{World, upgrade_request};

    fn users() -> ApiKeys {
        let mut users = ApiKeys::default();
        users.add("key-of-ada", "u-1", "Ada", None).expect("a name");
        users
    }

    fn world(users: ApiKeys) -> World {
        World::with_authenticator(Config::default(), Box::new(users), [7; 32])
    }

    #[test]
    fn whoever_has_a_key_comes_in_under_the_name_of_the_table() {
        let mut world = world(users());
        let ada = world.join("key-of-ada", "10.0.0.1");
        world.say(ada, r#"{"message": "hi"}"#);
        let notices = world.client(ada).take_notices();
        let said = notices.last().expect("the message comes back");
        assert_eq!(
            (&said["sender"], &said["message"]),
            (&"Ada".into(), &"hi".into())
        );
    }

    #[test]
    fn a_stranger_is_told_so_and_closed() {
        let mut world = world(users());
        let stranger = world.join("a-key-of-nobody", "10.0.0.2");
        let told = world.client(stranger).take_close();
        assert_eq!(told, Some((1008, "invalid credentials".to_owned())));
        assert_eq!(world.census().user_connections, 0);
    }

    #[test]
    fn a_key_that_ends_ends_its_connection_and_opens_no_other() {
        let mut users = users();
        let end = World::new(Config::default()).now().wall.as_millis() + 40_000;
        let until = Some(Wall::from_millis(end));
        users
            .add("key-of-a-guest", "u-9", "Guest", until)
            .expect("a name");
        let mut world = world(users);
        let expired = Some((1008, "token expired".to_owned()));
        let guest = world.join("key-of-a-guest", "10.0.0.3");
        world.advance(Duration::from_secs(41));
        assert_eq!(world.client(guest).take_close(), expired);
        let again = world.join("key-of-a-guest", "10.0.0.3");
        assert_eq!(world.client(again).take_close(), expired);
    }

    #[test]
    fn nobody_of_the_table_is_called_system() {
        let added = users().add("key", "u-2", "Sy\u{455}tem", None);
        assert_eq!(added, Err(IdentityError::ReservedName));
    }

    #[test]
    fn it_serves_over_a_real_socket_until_it_is_stopped() {
        let mut config = Config::default();
        config.listen.address = ([127, 0, 0, 1], 0).into();
        config.private.enabled = false;
        let server = Server::bind(config, Box::new(users())).expect("a free port");
        let (address, stop) = (server.local_address(), server.stop_handle());
        let serving = thread::spawn(move || server.run());

        let mut socket = TcpStream::connect(address).expect("a listener");
        let limit = Some(Duration::from_secs(10));
        socket.set_read_timeout(limit).expect("a timeout");
        let request = upgrade_request("/ws/chat", "Authorization: Bearer key-of-ada\r\n");
        socket.write_all(request.as_bytes()).expect("sent");
        let mut reader = BufReader::new(socket);
        let mut status = String::new();
        reader.read_line(&mut status).expect("an answer");
        assert_eq!(status, "HTTP/1.1 101 Switching Protocols\r\n");

        stop.stop().expect("woken");
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).expect("an orderly end");
        drop(reader);
        let goodbye = b"server is going away";
        assert!(rest.windows(goodbye.len()).any(|bytes| bytes == goodbye));
        serving.join().expect("no panic").expect("an orderly end");
    }
}
