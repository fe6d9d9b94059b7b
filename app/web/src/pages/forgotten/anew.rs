//! Nobody lets this phone in: what was saved is delivered, then it begins anew with a new PIN.
use leptos::prelude::*;

use super::sign_in::SignInForm;
use crate::{
    components::{
        code_field::OneTimeCode,
        dialog::Confirm,
        notice::{Notice, Weight},
        problem::ProblemNotice,
    },
    context::{problem::Problem, use_lock, use_session},
    i18n::t,
    pages::{carry::MakeFile, lock::Waiting},
};

/// What stays safe, what does not, and the sign-in that begins anew.
#[component]
pub(super) fn BeginAnew() -> impl IntoView {
    let (session, view) = (use_session(), use_lock().view());
    let (user, busy) = (RwSignal::new(String::new()), RwSignal::new(false));
    let problem = RwSignal::new(None::<Problem>);
    let code = OneTimeCode::new();
    let only_by_pin = move || view.with(|view| view.held.map_or(0, |held| held.only_by_pin));
    let waits = Memo::new(move |_| view.with(|view| view.held.is_some_and(|held| held.waiting > 0)));
    let (asking, typed) = (RwSignal::new(false), StoredValue::new((String::new(), String::new())));
    let begin = move || {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        problem.set(None);
        let (name, word) = typed.get_value();
        leptos::task::spawn_local(async move {
            if let Err(cause) = session.begin_anew(&name, &word, code.get().as_deref()).await {
                code.look_at(&cause);
                problem.try_set(Some(cause));
            }
            busy.try_set(false);
        });
    };
    let submit = move |said: (String, String)| {
        typed.set_value(said);
        if untrack(only_by_pin) > 0 {
            asking.set(true);
        } else {
            begin();
        }
    };
    let about = Signal::derive(move || t::forgotten_only_by_pin(only_by_pin()));
    view! {
        <Notice weight=Weight::Good title=Signal::derive(|| t::forgotten_safe().to_owned())><p>{t::forgotten_safe_text}</p></Notice>
        <Notice weight=Weight::Warn title=Signal::derive(|| t::forgotten_lost().to_owned())>
            <p>{t::forgotten_lost_text}</p>
            {move || (only_by_pin() > 0).then(|| view! { <p>{t::forgotten_only_by_pin(only_by_pin())}</p> })}
        </Notice>
        <Waiting/>
        <Show when=move || waits.get()><MakeFile/></Show>
        {move || problem.get().map(|problem| view! { <ProblemNotice problem=Signal::stored(problem)/> })}
        <SignInForm user=user code=code busy=busy word=t::forgotten_do busy_word=t::forgotten_busy on_submit=submit/>
        <Confirm open=asking title=t::forgotten_sure about=about text=t::forgotten_sure_text action=t::forgotten_do on_yes=move |()| begin()/>
    }
}
