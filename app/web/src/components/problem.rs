//! A problem in plain words: what happened, what is safe, what to do, and a short code to read out.
use leptos::prelude::*;

use super::notice::{Notice, Weight};
use crate::{context::problem::Problem, i18n::t};

/// What happened, what is safe, what to do.
struct Words {
    happened: String,
    safe: &'static str,
    todo: String,
}

fn words(problem: &Problem) -> Words {
    let words = |happened: &str, safe, todo: &str| Words {
        happened: happened.to_owned(),
        safe,
        todo: todo.to_owned(),
    };
    let kept = t::problem_safe_here();
    match problem {
        Problem::Offline => words(t::problem_offline(), kept, t::problem_offline_todo()),
        Problem::ServerDown => words(t::problem_server(), kept, t::problem_server_todo()),
        Problem::NotOurServer => words(t::problem_portal(), kept, t::problem_portal_todo()),
        Problem::Undelivered(count) => {
            words(&t::problem_undelivered(count), kept, t::problem_undelivered_todo())
        }
        Problem::BadCredentials => words(t::problem_credentials(), "", t::problem_credentials_todo()),
        Problem::CodeNeeded => words(t::problem_code_needed(), kept, t::problem_code_needed_todo()),
        Problem::CodeWrong => words(t::problem_code_wrong(), kept, t::problem_code_wrong_todo()),
        Problem::Locked(seconds) => {
            words(t::problem_locked(), kept, &t::problem_locked_todo(seconds.div_ceil(60)))
        }
        Problem::SignInAgain => words(t::problem_expired(), kept, t::problem_expired_todo()),
        Problem::NotAllowed => words(t::problem_not_allowed(), kept, t::problem_not_allowed_todo()),
        Problem::OthersWork(count) => {
            words(&t::problem_others_work(count), kept, t::problem_others_work_todo())
        }
        Problem::OtherUser => words(t::problem_other_user(), kept, t::problem_other_user_todo()),
        Problem::OtherAnswer => words(t::problem_other_answer(), kept, t::problem_other_answer_todo()),
        Problem::OtherTab => words(t::problem_other_tab(), kept, t::problem_other_tab_todo()),
        Problem::StorageFull => words(t::problem_full(), t::problem_safe_typed(), t::problem_full_todo()),
        Problem::FullAndLocked => {
            words(t::problem_full_and_locked(), kept, t::problem_full_and_locked_todo())
        }
        Problem::StorageFails(_) => {
            words(t::problem_storage(), t::problem_safe_typed(), t::problem_storage_todo())
        }
        Problem::WrongClock(minutes) => {
            words(&t::problem_clock(minutes.abs()), kept, t::problem_clock_todo())
        }
        Problem::Damaged => words(t::problem_damaged(), t::problem_safe_bytes(), t::problem_damaged_todo()),
        Problem::NotFound => words(t::problem_not_found(), "", t::problem_not_found_todo()),
        Problem::TooOld => words(t::problem_too_old(), kept, t::problem_too_old_todo()),
        Problem::Refused(code) => {
            words(&refusal_words(code), t::problem_safe_refused(), t::problem_refused_todo())
        }
    }
}

/// The word on the button that tries again.
fn retry_word(problem: &Problem) -> &'static str {
    if *problem == Problem::OtherTab { t::action_use_here() } else { t::action_retry() }
}

/// A refusal of the server in words.
pub(crate) fn refusal_words(code: &str) -> String {
    match code {
        "not_in_scope" => t::refusal_not_in_scope(),
        "role" => t::refusal_role(),
        "not_author" => t::refusal_not_author(),
        "moved" => t::refusal_moved(),
        "re_rooted" => t::refusal_re_rooted(),
        "too_big" | "too_many_ops" | "over_budget" => t::refusal_too_big(),
        _ => t::refusal_other(),
    }
    .to_owned()
}

/// One problem, said to the user.
#[component]
pub(crate) fn ProblemNotice(
    /// What it is.
    #[prop(into)]
    problem: Signal<Problem>,
    /// A way to try again.
    #[prop(optional, into)]
    retry: Option<Callback<()>>,
) -> impl IntoView {
    let title = Signal::derive(move || words(&problem.get()).happened);
    view! {
        <Notice weight=Weight::Problem title=title>
            <p>{move || words(&problem.get()).safe}</p>
            <p>{move || words(&problem.get()).todo}</p>
            {retry.map(|retry| view! {
                <p><button type="button" class="button" on:click=move |_| retry.run(())>{move || retry_word(&problem.get())}</button></p>
            })}
            <p class="notice__code">{move || t::problem_code(problem.get().code())}</p>
        </Notice>
    }
}
