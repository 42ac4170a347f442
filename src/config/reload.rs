//! What a running server takes over of a configuration that was read again, and what needs another process.

use super::Config;
use super::contradictions::RULES;
use super::error::{ConfigError, Place};
use super::settings::{self, Change, SETTINGS, Setting};

/// A new configuration for a running server.
#[derive(Debug, Clone)]
pub struct Reloaded {
    /// What may change as the file says; everything else as it was.
    pub config: Config,
    /// Every setting whose value is another in the file, in the order of the reference.
    pub changed: Vec<Changed>,
}

/// One setting that was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Full dotted key.
    pub key: &'static str,
    /// As it is in force, written as it would stand in the file.
    pub from: String,
    /// As it was read.
    pub to: String,
    /// Whether it stays as it was until the server is started again.
    pub needs_restart: bool,
}

impl Config {
    /// Takes over from `self`, which was read just now, what a server that runs with `running` can change.
    ///
    /// # Errors
    /// Settings that are fine in a new process, but contradict what this one has to keep.
    pub fn reloaded(mut self, running: &Config) -> Result<Reloaded, Vec<ConfigError>> {
        let mut running = running.clone();
        let mut changed = Vec::new();
        for setting in SETTINGS {
            if let Some(change) = take_over(setting, &mut running, &mut self) {
                changed.push(change);
            }
        }
        let broken = RULES.iter().filter(|rule| !(rule.holds)(&self));
        let errors: Vec<ConfigError> = broken
            .map(|rule| {
                let found = format!("{} in the running server", show(rule.key, &mut running));
                let allowed = format!("{}, or a restart", rule.allowed);
                ConfigError::new(Place::Default, rule.key, found, allowed)
            })
            .collect();
        if errors.is_empty() {
            Ok(Reloaded {
                config: self,
                changed,
            })
        } else {
            Err(errors)
        }
    }
}

/// Compares one setting, and puts back what can't change.
fn take_over(setting: &Setting, running: &mut Config, fresh: &mut Config) -> Option<Changed> {
    let from = setting.form.show(running);
    let to = setting.form.show(fresh);
    if from == to {
        return None;
    }
    let needs_restart = setting.change == Change::Restart;
    if needs_restart {
        setting.form.copy(running, fresh);
    }
    Some(Changed {
        key: setting.key,
        from,
        to,
        needs_restart,
    })
}

fn show(key: &str, config: &mut Config) -> String {
    settings::find(key).map_or_else(String::new, |setting| setting.form.show(config))
}

#[cfg(test)]
mod tests {
    use super::super::form::Form;
    use super::*;

    /// Another allowed value for a setting.
    fn other(setting: &Setting) -> String {
        match setting.form {
            Form::Flag { .. } => {
                let is_on = setting.form.show(&mut Config::default()) == "true";
                (!is_on).to_string()
            }
            Form::Count { min, max, .. } | Form::SmallCount { min, max, .. } => {
                let show = setting.form.show(&mut Config::default());
                if show == max.to_string() { min } else { max }.to_string()
            }
            Form::Size { max, .. } => max.to_string(),
            Form::Time { max, .. } => format!("{max}ms"),
            Form::Rate { min, .. } => format!("{{ burst = {min}, per = \"7s\" }}"),
            Form::Address { .. } => "[::1]:9".to_owned(),
            Form::Refusal { .. } => "http".to_owned(),
            Form::Choice { field } => {
                let words = field(&mut Config::default()).words();
                (*words.last().unwrap()).to_owned()
            }
            Form::CookieName { .. } | Form::Text { .. } | Form::Room { .. } => "other".to_owned(),
            Form::Origins { .. } => "https://other.example".to_owned(),
            Form::Rooms { .. } => "other,another".to_owned(),
            Form::Directory { .. } | Form::File { .. } | Form::Files { .. } => {
                "elsewhere".to_owned()
            }
            Form::MaybeAddress { .. } => "[::1]:9".to_owned(),
            Form::MaybePort { .. } => "9".to_owned(),
            Form::Hosts { .. } => "other.example".to_owned(),
            Form::Url { .. } => "http://127.0.0.1:9/who".to_owned(),
            Form::Networks { .. } => "10.9.0.0/16".to_owned(),
            Form::Shadow { .. } => "messages_per_user".to_owned(),
        }
    }

    #[test]
    fn a_setting_that_needs_a_restart_is_named_and_kept_and_every_other_is_taken_over() {
        for setting in SETTINGS {
            let mut fresh = Config::default();
            let text = other(setting);
            let filled = setting.form.fill(&mut fresh, &setting.form.value_of(&text));
            assert_eq!(filled, Some(()), "{} = {text}", setting.key);
            let mut running = Config::default();
            let from = setting.form.show(&mut running);
            let to = setting.form.show(&mut fresh);
            assert_ne!(from, to, "{}", setting.key);
            let change = take_over(setting, &mut running, &mut fresh).unwrap();
            let kept = setting.form.show(&mut fresh);
            let needs_restart = setting.change == Change::Restart;
            assert_eq!(
                kept,
                if needs_restart { from } else { to },
                "{}",
                setting.key
            );
            assert_eq!(change.needs_restart, needs_restart);
        }
    }

    #[test]
    fn what_did_not_change_is_not_spoken_of() {
        let reloaded = Config::default().reloaded(&Config::default()).unwrap();
        assert_eq!(reloaded.changed, []);
    }

    #[test]
    fn a_value_that_contradicts_one_that_must_stay_changes_nothing() {
        let rule = RULES
            .iter()
            .find(|rule| rule.key == "listen.address")
            .unwrap();
        let mut running = Config::default();
        running.listen.address = ([192, 0, 2, 1], 80).into();
        assert!(!(rule.holds)(&running), "it could not have been started");
        let errors = Config::default().reloaded(&running).unwrap_err();
        assert_eq!(errors[0].key, "listen.address");
        assert!(
            errors[0].to_string().contains("or a restart"),
            "{}",
            errors[0]
        );
    }
}
