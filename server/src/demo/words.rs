//! Words of the demonstration: invented names and plain facts, no opinion about anybody.

use zoufang_core::record::list::NeedTopic;

use super::dice::Dice;

const SURNAMES: &[&str] =
    &["王", "李", "张", "刘", "陈", "杨", "赵", "孙", "马", "高", "于", "白", "包", "单", "曾", "任"];
const GIVEN: &[&str] = &[
    "春梅", "秀兰", "建国", "志强", "丽娟", "海涛", "玉芬", "德山", "晓东", "凤霞", "文斌", "立新", "桂荣",
    "永刚", "红艳", "长河",
];

/// An invented name.
pub(super) fn name(dice: &mut Dice) -> String {
    format!("{}{}", dice.pick(SURNAMES), dice.pick(GIVEN))
}

/// What is written down for a need: what is wanted and what is a fact.
pub(super) fn facts(need: NeedTopic, dice: &mut Dice) -> &'static str {
    let choices: &[&'static str] = match need {
        NeedTopic::Medical => &[
            "腰椎旧伤复发，想去市医院拍片，问门诊报销比例。",
            "高血压常年吃药，村卫生室缺药，需到镇里取。",
            "下月要做白内障手术，问医疗补助怎么申请。",
        ],
        NeedTopic::Housing => &["东屋房顶漏雨，想申请危房改造。", "窗户透风，入冬前需要换三扇窗。"],
        NeedTopic::Living => &["老两口靠种五亩地，去年歉收，问临时救助条件。", "取暖煤只够到腊月。"],
        NeedTopic::Job => &["想在镇里找零工，会开三轮车。", "儿子退伍在家，想了解招聘会时间。"],
        NeedTopic::Business => &["想扩建羊舍，问退役军人创业贷款。"],
        NeedTopic::Training => &["想学电工证，问培训班什么时候开。"],
        NeedTopic::ChildEducation => &["孙子上高中，问教育优待怎么办手续。"],
        NeedTopic::ElderCare => &["老伴行动不便，想了解镇养老院床位。"],
        NeedTopic::BenefitClaim => {
            &["今年年度确认还没办，问需要带什么材料。", "六十周岁补助还没到账，请帮忙查一下。"]
        }
        NeedTopic::IdentityPapers => &["优待证丢了，想补办。", "退伍证字迹看不清，想换发证明。"],
        NeedTopic::SocialInsurance => &["在部队年限怎么接续养老保险，想要书面答复。"],
        NeedTopic::LandNeighbour => &["与邻居地界没定，想请村里来量一次。"],
        NeedTopic::Disaster => &["暴雨冲了院墙，需要砖和人手。"],
        NeedTopic::Placement
        | NeedTopic::LabourDispute
        | NeedTopic::Legal
        | NeedTopic::Psychological
        | NeedTopic::PartyLife
        | NeedTopic::Other => &["想当面问一次政策，约好下周到站里来。"],
    };
    dice.pick::<&str>(choices)
}

/// What was told on a visit.
pub(super) const TOLD: &[&str] = &[
    "讲了优待证的用法和办理地点。",
    "讲了年度确认的时间和要带的材料。",
    "留下服务站电话和办事指南。",
    "讲了招聘会的日期和报名办法。",
    "讲了医疗补助的申请条件。",
];

/// Where a Party member lately took part.
pub(super) const TOOK_PART: &[&str] = &["村党支部主题党日", "社区党支部党员大会", "务工地流动党员党支部"];

/// What a Party member would like.
pub(super) const WISHES: &[&str] = &[
    "希望把学习材料寄到家里。",
    "希望开会时间避开农忙。",
    "希望帮助办理组织关系转接。",
    "希望支部上门送学一次。",
];

/// The needs that come up, with their weights.
pub(super) const NEEDS: &[(NeedTopic, u32)] = &[
    (NeedTopic::Medical, 30),
    (NeedTopic::BenefitClaim, 18),
    (NeedTopic::IdentityPapers, 10),
    (NeedTopic::Living, 9),
    (NeedTopic::Housing, 8),
    (NeedTopic::Job, 7),
    (NeedTopic::ElderCare, 5),
    (NeedTopic::LandNeighbour, 4),
    (NeedTopic::SocialInsurance, 3),
    (NeedTopic::ChildEducation, 2),
    (NeedTopic::Business, 2),
    (NeedTopic::Training, 1),
    (NeedTopic::Disaster, 1),
];
