//! Papers that the law wants of who keeps personal information: the record of what is handled, the impact assessment, the notice of
//! a breach. They are templates in Chinese (`server/data/papers`), filled with what the program itself knows: `privacy.json` and the
//! terms of retention. What a person must decide stays in brackets.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::retention::Rules;

/// Which paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Paper {
    /// 个人信息处理活动记录
    HandlingRecord,
    /// 个人信息保护影响评估
    ImpactAssessment,
    /// 安全事件告知书和报告
    BreachNotice,
}

#[derive(Deserialize)]
struct Privacy {
    grounds: BTreeMap<String, Words>,
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Words {
    zh: String,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    sensitive: bool,
    zh: Why,
    ground: String,
}

impl Group {
    fn sensitive(&self) -> &'static str {
        if self.sensitive { "是" } else { "" }
    }
}

#[derive(Deserialize)]
struct Why {
    what: String,
    why: String,
    #[serde(default)]
    need: String,
}

/// A paper as of a day, in Markdown.
///
/// # Panics
/// If `privacy.json` cannot be read, which a test would have found.
#[must_use]
pub fn paper(paper: Paper, today: &str, rules: &Rules) -> String {
    let privacy: Privacy = serde_json::from_str(include_str!("../../public/privacy.json"))
        .unwrap_or_else(|error| unreachable!("privacy.json: {error}"));
    let lines = |line: fn(&Privacy, &Group) -> String| {
        privacy.groups.iter().map(|group| line(&privacy, group)).collect::<Vec<_>>().join("\n")
    };
    let text = match paper {
        Paper::HandlingRecord => include_str!("../data/papers/handling_record.zh.md"),
        Paper::ImpactAssessment => include_str!("../data/papers/impact_assessment.zh.md"),
        Paper::BreachNotice => include_str!("../data/papers/breach_notice.zh.md"),
    };
    let fields = lines(|privacy, group| {
        let ground = privacy.grounds.get(&group.ground).map(|ground| ground.zh.as_str()).unwrap_or_default();
        let Why { what, why, need } = &group.zh;
        format!("| {what} | {why} | {ground} | {} | {need} |", group.sensitive())
    });
    let questions = lines(|_, group| {
        format!("| {} | {} | {} | （　　） | （　　） |", group.zh.what, group.sensitive(), group.zh.need)
    });
    let terms: Vec<String> = rules.terms().map(|(zh, days)| format!("- {zh}（{days} 天）")).collect();
    text.replace("{today}", today)
        .replace("{fields}", &fields)
        .replace("{questions}", &questions)
        .replace("{terms}", &terms.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn papers_say_every_group_and_term_and_leave_no_gap() {
        let privacy: Privacy = serde_json::from_str(include_str!("../../public/privacy.json")).unwrap();
        let rules = Rules::built_in();
        for of in [Paper::HandlingRecord, Paper::ImpactAssessment, Paper::BreachNotice] {
            let text = paper(of, "2026-11-27", &rules);
            assert!(text.contains("2026-11-27") && !text.contains('{'), "{of:?}");
            if of != Paper::BreachNotice {
                assert!(privacy.groups.iter().all(|group| text.contains(&group.zh.what)), "{of:?}");
            }
        }
        let record = paper(Paper::HandlingRecord, "2026-11-27", &rules);
        assert!(rules.terms().all(|(zh, _)| record.contains(zh)));
        assert!(privacy.groups.iter().all(|group| record.contains(&privacy.grounds[&group.ground].zh)));
    }
}
