//! The phone's clock, which may be wrong by minutes or days, and how its moments are written.
use zoufang_core::record::{Date, PartialDate, Timestamp};

use crate::i18n::t;

/// Now, by the phone's clock.
pub(crate) fn now() -> Timestamp {
    // A date as a number is whole and far below 2^53.
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit")]
    Timestamp(js_sys::Date::now() as i64)
}

/// Milliseconds since the page began, by a clock that nobody sets.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "ms of an open page")]
pub(crate) fn steady_ms() -> u64 {
    gloo::utils::window().performance().map_or(0, |clock| clock.now() as u64)
}

/// How long, in words: seconds below two minutes, then minutes.
pub(crate) fn span_words(ms: u64) -> String {
    let seconds = ms.div_ceil(1_000);
    if seconds < 120 { t::span_seconds(seconds) } else { t::span_minutes(seconds.div_ceil(60)) }
}

/// Today in China, by the phone's clock.
pub(crate) fn today() -> Date {
    Date::in_china(now())
}

/// Hours and minutes in China.
pub(crate) fn time_of_day(at: Timestamp) -> String {
    let minutes = (at.0 + 8 * 3_600_000).div_euclid(60_000).rem_euclid(24 * 60);
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// A day in words: today, yesterday, with the year only where it is another one.
pub(crate) fn day_words(day: Date) -> String {
    let today = today();
    match today.days_since(day) {
        0 => t::day_today().to_owned(),
        1 => t::day_yesterday().to_owned(),
        _ => full_day(day, today),
    }
}

fn full_day(day: Date, today: Date) -> String {
    let (year, month, date) = day.ymd();
    let month = month_word(month);
    if year == today.ymd().0 { t::day_month_day(date, month) } else { t::day_full(date, month, year) }
}

/// What is known of a date, always with the year.
pub(crate) fn partial_words(date: PartialDate) -> String {
    match date {
        PartialDate::Year(year) => t::day_year(year),
        PartialDate::Month(year, month) => t::day_year_month(month_word(month), year),
        PartialDate::Day(day) => {
            let (year, month, date) = day.ymd();
            t::day_full(date, month_word(month), year)
        }
    }
}

fn month_word(month: u8) -> &'static str {
    let words = [
        t::month_1,
        t::month_2,
        t::month_3,
        t::month_4,
        t::month_5,
        t::month_6,
        t::month_7,
        t::month_8,
        t::month_9,
        t::month_10,
        t::month_11,
        t::month_12,
    ];
    words.get(usize::from(month).wrapping_sub(1)).map_or("", |word| word())
}

/// A moment in words.
pub(crate) fn moment_words(at: Timestamp) -> String {
    let (day, today) = (Date::in_china(at), today());
    let time = time_of_day(at);
    if day == today { time } else { format!("{} {time}", full_day(day, today)) }
}

/// Today with the weekday, for the head of the first page.
pub(crate) fn today_words() -> String {
    let today = today();
    let (_, month, date) = today.ymd();
    let weekdays = [
        t::day_monday,
        t::day_tuesday,
        t::day_wednesday,
        t::day_thursday,
        t::day_friday,
        t::day_saturday,
        t::day_sunday,
    ];
    let weekday = weekdays.get(usize::from(today.weekday())).map_or("", |weekday| weekday());
    t::day_with_weekday(date, month_word(month), weekday)
}
