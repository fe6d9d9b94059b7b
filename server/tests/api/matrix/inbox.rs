//! Letters bring each role the records of its units, as its sync does, and take from it what its sync takes.

use super::*;
use crate::inbox::Left;

pub(super) async fn asked(case: &Case<'_>) {
    let signer = Signer::known(&case.phone).await;
    let left = Left::by(&case.phone, Vec::new());
    let (pushes, refusals): (Vec<Push>, Vec<Option<Refusal>>) = attempts(case, 170).into_iter().unzip();
    let parcels: Vec<Vec<u8>> = pushes.iter().map(|push| parcel(case.server, push)).collect();
    if case.rights.holds.is_empty() {
        let (fates, letter) = left.ask_for_nothing(case.server, &signer, &parcels).await;
        assert_eq!(fates, vec![Fate::Refused as u8; parcels.len()], "{}", case.says("inbox"));
        assert_eq!(letter.len(), 0, "{}", case.says("letter"));
        return;
    }
    let (_, letter) = left.ask(case.server, &signer, &parcels).await;
    for ((_, verdict), refusal) in letter.verdicts.iter().zip(refusals) {
        match refusal {
            Some(refusal) => assert_eq!(*verdict, Verdict::Refused(refusal), "{}", case.says("inbox")),
            None => assert!(matches!(verdict, Verdict::Accepted(_)), "{} {verdict:?}", case.says("inbox")),
        }
    }
    assert_eq!(letter.verdicts.len(), parcels.len());
    let mut seen = BTreeSet::new();
    for frame in &letter.frames() {
        if let Frame::Page(page) = frame {
            seen.extend(page.items.iter().flat_map(|item| named(&item.raw)));
        }
    }
    assert_eq!(seen, with_records(case.rights.holds.iter().copied()), "{}", case.says("letter"));
    assert!(named(format!("{:?}", letter.frames()).as_bytes()).is_subset(&seen), "{}", case.says("letter"));
}
