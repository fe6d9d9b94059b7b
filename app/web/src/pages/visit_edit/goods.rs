//! Goods or money brought along; folded away, since most visits bring none.
use leptos::prelude::*;
use zoufang_core::{document::shape::GOODS_CHARS_MAX, record::visit::Goods};

use super::model::VisitForm;
use crate::{
    components::{
        icon::{Glyph, Icon},
        text_field::TextField,
    },
    i18n::t,
};

/// Lines of goods.
#[component]
pub(crate) fn GoodsFields(
    /// The form.
    form: RwSignal<VisitForm>,
) -> impl IntoView {
    let ids =
        Memo::new(move |_| form.with(|form| form.contact.visit.goods.keys().cloned().collect::<Vec<_>>()));
    view! {
        <fieldset class="field" id="goods">
            <legend class="field__label">{t::field_goods}<span class="field__optional">{t::form_optional}</span></legend>
            <div class="stack">
                <For each=move || ids.get() key=Clone::clone children=move |id| view! { <GoodsLine form=form id=id/> }/>
                <button type="button" class="button" on:click=move |_| form.update(VisitForm::add_goods)>
                    <Glyph icon=Icon::Plus/>
                    {t::visit_add_goods}
                </button>
            </div>
        </fieldset>
    }
}

#[component]
fn GoodsLine(form: RwSignal<VisitForm>, id: String) -> impl IntoView {
    let id = StoredValue::new(id);
    let goods = Signal::derive(move || {
        form.with(|form| id.with_value(|id| form.contact.visit.goods.get(id).cloned())).unwrap_or_default()
    });
    let change = move |change: &dyn Fn(&mut Goods)| {
        form.update(|form| {
            if let Some(goods) = id.with_value(|id| form.contact.visit.goods.get_mut(id)) {
                change(goods);
            }
        });
    };
    let remove = move |_| {
        form.update(|form| {
            id.with_value(|id| form.contact.visit.goods.remove(id));
        });
    };
    view! {
        <div class="card">
            <TextField
                id=id.with_value(|id| format!("goods-{id}"))
                label=t::visit_goods_what
                chars_max=GOODS_CHARS_MAX
                value=Signal::derive(move || goods.get().what)
                on_input=move |text: String| change(&|goods| goods.what.clone_from(&text))
            />
            <div class="form__phone">
                <TextField
                    id=id.with_value(|id| format!("value-{id}"))
                    label=t::visit_goods_value
                    keyboard="numeric"
                    value=Signal::derive(move || goods.get().value_fen.map(|fen| (fen / 100).to_string()).unwrap_or_default())
                    on_input=move |text: String| change(&|goods| goods.value_fen = parse_yuan(&text))
                    optional=true
                />
                <button type="button" class="button button--problem" on:click=remove>{t::action_remove}</button>
            </div>
        </div>
    }
}

/// Whole yuan as typed, in fen; at most a million yuan.
fn parse_yuan(text: &str) -> Option<i64> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse::<i64>().ok().filter(|yuan| *yuan <= 1_000_000).map(|yuan| yuan * 100)
}
