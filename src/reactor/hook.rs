//! Asks the operator's own program, off the loop: threads that each put one question at a time and wait for its answer.
//! Decides nothing: which questions are put, how many, and what an answer means is said elsewhere.

mod names;
#[cfg(test)]
mod tests;

use std::io::{self, Read as _};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use mio::Waker;
use ureq::tls::{PemItem, RootCerts, TlsConfig};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Body, http};

use crate::access::hook::answer::{self, BODY_BYTES_MAX};
use crate::access::hook::{Answer, Question, Reply, Silence};
use crate::config::{HookSettings, HookUrl};
use crate::id::QuestionId;
use crate::time::Now;

use super::Server;
use names::Names;

/// Bytes of the head of an answer.
const HEAD_BYTES_MAX: usize = 8 * 1024;
/// The connection's own buffers, each way: a question and an answer fit.
const BUFFER_BYTES: usize = 16 * 1024;
/// Of a thread that does nothing but wait, and sometimes a TLS handshake.
const STACK_BYTES: usize = 512 * 1024;
/// Who asks.
const USER_AGENT: &str = concat!("wardroom/", env!("CARGO_PKG_VERSION"));

/// Why the hook can not be asked at all.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// Give an address that programs can connect to.
    #[error("auth.hook.url is no address that can be asked")]
    Url,
    /// Give a file of certificates.
    #[error("auth.hook.ca_file: {0}")]
    Certificates(String),
}

/// The threads that ask.
///
/// **Dropping it breaks off every question, and the threads end by themselves**: at once, or when a connection or a look-up
/// that is being made has used up the timeout. Nobody waits for them.
#[derive(Debug)]
pub(super) struct HookWorkers {
    agent: Agent,
    questions: SyncSender<(QuestionId, Question)>,
    answers: Receiver<(QuestionId, Answer)>,
}

impl HookWorkers {
    /// What is said for a question that nobody can put.
    pub(super) const NOBODY: Answer = Answer::Silent(Silence::NoConnection);

    /// Starts as many threads as may ask at a time; `waker` wakes the loop after each answer.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn start(asker: Asker, waker: Arc<Waker>) -> io::Result<Self> {
        // The engine has no more under way than there are threads: neither bound is ever reached.
        let (questions, waiting) = mpsc::sync_channel(asker.concurrency_max);
        let (answered, answers) = mpsc::sync_channel(asker.concurrency_max);
        let waiting = Arc::new(Mutex::new(waiting));
        let agent = asker.agent.clone();
        for number in 0..asker.concurrency_max {
            let worker = Worker {
                asker: asker.clone(),
                waiting: waiting.clone(),
                answered: answered.clone(),
                waker: waker.clone(),
            };
            thread::Builder::new()
                .name(format!("hook-{number}"))
                .stack_size(STACK_BYTES)
                .spawn(move || worker.run())?;
        }
        Ok(HookWorkers {
            agent,
            questions,
            answers,
        })
    }

    /// Puts a question on its way, or gives what is to be said instead.
    pub(super) fn ask(&self, id: QuestionId, question: Question) -> Option<Answer> {
        let sent = self.questions.try_send((id, question));
        sent.is_err().then_some(HookWorkers::NOBODY)
    }

    /// The next answer that has come.
    pub(super) fn next_answer(&self) -> Option<(QuestionId, Answer)> {
        self.answers.try_recv().ok()
    }
}

impl Drop for HookWorkers {
    fn drop(&mut self) {
        self.agent.clone().shutdown();
    }
}

impl Server {
    /// Brings the engine what the authentication hook has answered: at most as much as was under way.
    pub(super) fn take_answers(&mut self, now: Now) {
        while let Some((id, answer)) = self.hook.as_ref().and_then(HookWorkers::next_answer) {
            self.engine.hook_answered(id, answer, now);
        }
    }

    /// Puts the questions that may be put now.
    pub(super) fn put_questions(&mut self, now: Now) {
        while let Some((id, question)) = self.engine.next_question(now) {
            let unput = match &self.hook {
                Some(hook) => hook.ask(id, question),
                None => Some(HookWorkers::NOBODY),
            };
            if let Some(answer) = unput {
                self.engine.hook_answered(id, answer, now);
            }
        }
    }
}

/// One thread.
struct Worker {
    asker: Asker,
    waiting: Arc<Mutex<Receiver<(QuestionId, Question)>>>,
    answered: SyncSender<(QuestionId, Answer)>,
    waker: Arc<Waker>,
}

impl Worker {
    fn run(self) {
        while let Some((id, question)) = self.next() {
            let answer = self.asker.ask(&question);
            if self.answered.send((id, answer)).is_err() {
                return;
            }
            // A loop that can not be woken takes the answer in its next turn.
            if let Err(error) = self.waker.wake() {
                log::warn!("the loop can not be woken for an answer: {error}");
            }
        }
    }

    /// Waits for a question; `None`: there will be no more.
    fn next(&self) -> Option<(QuestionId, Question)> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.recv().ok()
    }
}

/// How a question is put: no redirects, no proxy, no cookies, nothing that the environment says.
#[derive(Debug, Clone)]
pub(super) struct Asker {
    agent: Agent,
    concurrency_max: usize,
    url: Arc<str>,
    authorization: http::HeaderValue,
}

impl Asker {
    /// Checks what can be checked without a connection; `None` when there is nobody to ask.
    ///
    /// # Errors
    /// [`HookError`] names the setting to change.
    pub(super) fn prepare(settings: &HookSettings) -> Result<Option<Asker>, HookError> {
        let url = settings.url.as_deref();
        url.map(|url| Asker::new(url, settings)).transpose()
    }

    fn new(url: &str, settings: &HookSettings) -> Result<Asker, HookError> {
        let parsed = HookUrl::parse(url).ok_or(HookError::Url)?;
        url.parse::<http::Uri>().map_err(|_| HookError::Url)?;
        let config = Agent::config_builder()
            .tls_config(tls_config(&settings.ca)?)
            .proxy(None)
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(settings.timeout))
            .user_agent(USER_AGENT)
            .accept("application/json")
            .max_response_header_size(HEAD_BYTES_MAX)
            .input_buffer_size(BUFFER_BYTES)
            .output_buffer_size(BUFFER_BYTES)
            .max_idle_connections(0)
            .build();
        // Plain HTTP that may not leave this machine does not, whatever a name server says.
        let stays_here = !parsed.is_encrypted && !settings.insecure_http;
        let names = Names::new(stays_here);
        let bearer = format!("Bearer {}", settings.secret.expose());
        let mut authorization = http::HeaderValue::try_from(bearer).map_err(|_| HookError::Url)?;
        authorization.set_sensitive(true);
        Ok(Asker {
            agent: Agent::with_parts(config, DefaultConnector::new(), names),
            concurrency_max: settings.concurrency_max,
            url: url.into(),
            authorization,
        })
    }

    /// Puts one question, on a connection of its own; comes back within the timeout, whatever happens.
    fn ask(&self, question: &Question) -> Answer {
        self.exchange(question).unwrap_or_else(|error| {
            log::debug!("the hook: {error}");
            Answer::Silent(silence(&error))
        })
    }

    fn exchange(&self, question: &Question) -> Result<Answer, ureq::Error> {
        let mut response = self
            .agent
            .post(&*self.url)
            .header(http::header::AUTHORIZATION, &self.authorization)
            .header(http::header::CONTENT_TYPE, "application/json")
            // What comes late on a connection would be read as the answer to the next question: about somebody else.
            .header(http::header::CONNECTION, "close")
            .send(question.body())?;
        let body = read_body(response.body_mut())?;
        let mut types = response
            .headers()
            .get_all(http::header::CONTENT_TYPE)
            .iter();
        let content_type = types.next().and_then(|value| value.to_str().ok());
        Ok(answer::read(Reply {
            status: response.status().as_u16(),
            content_type: content_type.filter(|_| types.next().is_none()),
            body: &body,
        }))
    }
}

/// The whole body, or as much as shows that it is too long.
fn read_body(body: &mut Body) -> Result<Vec<u8>, ureq::Error> {
    let mut bytes = Vec::new();
    let bound = BODY_BYTES_MAX as u64 + 1;
    body.as_reader().take(bound).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn tls_config(ca: &[u8]) -> Result<TlsConfig, HookError> {
    let mut certificates = Vec::new();
    for item in ureq::tls::parse_pem(ca) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            Ok(_) => {}
            Err(error) => return Err(HookError::Certificates(error.to_string())),
        }
    }
    if certificates.is_empty() && !ca.is_empty() {
        return Err(HookError::Certificates("no certificate in it".to_owned()));
    }
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::from(certificates))
        .unversioned_rustls_crypto_provider(Arc::new(provider))
        .build())
}

/// What a failure comes to.
fn silence(error: &ureq::Error) -> Silence {
    match error {
        ureq::Error::Timeout(_) => Silence::TooSlow,
        ureq::Error::HostNotFound => Silence::NoAddress,
        ureq::Error::ConnectionFailed => Silence::NoConnection,
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => Silence::Tls,
        ureq::Error::Io(error) => match error.kind() {
            _ if error
                .get_ref()
                .is_some_and(|inner| inner.is::<rustls::Error>()) =>
            {
                Silence::Tls
            }
            io::ErrorKind::ConnectionRefused
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::AddrNotAvailable => Silence::NoConnection,
            io::ErrorKind::TimedOut => Silence::TooSlow,
            _ => Silence::Broken,
        },
        _ => Silence::Broken,
    }
}
