//! When bytes came, by the kernel: what lay in a socket until its reader had a core says nothing about the server.

#[cfg(target_os = "linux")]
pub use stamped::Arrivals;
#[cfg(not(target_os = "linux"))]
pub use unknown::Arrivals;

#[cfg(target_os = "linux")]
mod stamped {
    use std::io::{self, IoSliceMut};
    use std::os::fd::AsRawFd as _;
    use std::time::Duration;

    use mio::net::TcpStream;
    use nix::sys::socket::sockopt::ReceiveTimestampns;
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt};
    use nix::sys::time::TimeSpec;

    use super::super::clock::Clock;

    /// The times at which the kernel has received what one socket holds (`SO_TIMESTAMPNS`).
    #[derive(Debug)]
    pub struct Arrivals {
        control: Vec<u8>,
    }

    impl Arrivals {
        /// Of what comes from now on; `None`: the kernel does not tell. It begins to note times a moment after the first socket of the machine asks
        /// for them: what comes before that has come when it is read.
        pub fn of(stream: &TcpStream) -> Option<Self> {
            setsockopt(stream, ReceiveTimestampns, &true).ok()?;
            Some(Arrivals {
                control: nix::cmsg_space!(TimeSpec),
            })
        }

        /// Reads, and says how long ago the last of it had come.
        ///
        /// # Errors
        /// Those of `recvmsg(2)`.
        pub fn read(
            &mut self,
            stream: &TcpStream,
            buffer: &mut [u8],
        ) -> io::Result<(usize, Duration)> {
            stream.try_io(|| {
                let mut pieces = [IoSliceMut::new(buffer)];
                let control = Some(self.control.as_mut_slice());
                let none = MsgFlags::empty();
                let message = recvmsg::<()>(stream.as_raw_fd(), &mut pieces, control, none)?;
                let came = message.cmsgs()?.find_map(|told| match told {
                    ControlMessageOwned::ScmTimestampns(came) => Some(came),
                    _ => None,
                });
                let age = came.map(|came| Clock::age(came.into()));
                Ok((message.bytes, age.unwrap_or_default()))
            })
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod unknown {
    use std::io;
    use std::time::Duration;

    use mio::net::TcpStream;

    /// There are none: no other kernel tells of a stream when it came.
    #[derive(Debug)]
    pub enum Arrivals {}

    impl Arrivals {
        /// `None`.
        pub fn of(_: &TcpStream) -> Option<Self> {
            None
        }

        /// Is never called.
        ///
        /// # Errors
        /// None.
        pub fn read(&mut self, _: &TcpStream, _: &mut [u8]) -> io::Result<(usize, Duration)> {
            match *self {}
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    #[test]
    fn what_lay_in_the_socket_came_when_it_came() {
        use std::io::{ErrorKind, Write as _};
        use std::net::TcpListener;
        use std::time::Duration;

        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let stream = std::net::TcpStream::connect(address).expect("a connection");
        stream.set_nonblocking(true).expect("a socket");
        let stream = mio::net::TcpStream::from_std(stream);
        let mut arrivals = super::Arrivals::of(&stream).expect("Linux tells");
        let (mut server, _) = listener.accept().expect("the other side");
        let lies = Duration::from_millis(30);
        let mut buffer = [0; 16];
        let mut age = Duration::ZERO;
        // Without a time: the kernel has not begun to note them.
        for _ in 0..100 {
            server.write_all(b"hello").expect("room");
            std::thread::sleep(lies);
            let (count, told) = arrivals.read(&stream, &mut buffer).expect("bytes");
            assert_eq!(&buffer[..count], b"hello");
            age = told;
            if !age.is_zero() {
                break;
            }
        }
        assert!(age >= lies, "{age:?}");
        let nothing = arrivals.read(&stream, &mut buffer).expect_err("nothing");
        assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
    }
}
