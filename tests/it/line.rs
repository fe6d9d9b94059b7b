//! Lines that are cut, servers that die, answers that are somebody else's: nothing is lost, nothing is twice.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use zoufang_core::sync::session::{Failure, Phase};
use zoufang_tests::{Device, Line, made::Dice, server::PASSWORD};

use crate::{device, fill, held, home, server};

#[test]
fn a_line_cut_anywhere_costs_a_repetition_and_nothing_else() {
    let server = server();
    let line = Line::open(server.port()).unwrap();
    let mut village = device(&line.url(), "village");
    let mut reader = device(&line.url(), "township");
    let unit = home(&village);
    let mut dice = Dice::new(7);
    let mut made = 0;
    for round in 0..12 {
        made += fill(&mut village, 3, 2, 100 + round).len();
        let cuts = [1 + dice.below(40), 200 + dice.below(200), 1 + dice.below(2_000)];
        line.cut_after(&cuts);
        let mut tries = 0;
        while village.phone().waiting() > 0 || village.sync().unwrap().phase != Phase::Idle {
            village.sync().unwrap();
            // A crash between two tries must not matter either.
            village.restart();
            tries += 1;
            assert!(tries < 10, "round {round} does not come to an end");
        }
        // A reader on the same bad line: what it takes for whole is whole.
        line.cut_after(&[1 + dice.below(300), 300 + dice.below(600)]);
        let mut tries = 0;
        while reader.sync().unwrap().phase != Phase::Idle {
            reader.restart();
            tries += 1;
            assert!(tries < 10, "round {round} does not come to an end for the reader");
        }
        line.cut_after(&[]);
        assert_eq!(held(&reader, unit), held(&village, unit), "round {round}");
    }
    assert!(line.cut_count() >= 12, "{} cuts", line.cut_count());
    let fresh = device(&server.url(), "village");
    assert_eq!(fresh.phone().rows().count(), made);
    assert_eq!(held(&fresh, unit), held(&village, unit));
    assert_eq!(held(&fresh, unit).1, made as u64, "nothing is twice");
}

#[test]
fn what_has_a_receipt_survives_the_death_of_the_server() {
    let mut server = server();
    let mut village = device(&server.url(), "village");
    for round in 0..5 {
        let made = fill(&mut village, 2, 1, 20 + round);
        village.sync().unwrap();
        assert_eq!(village.phone().waiting(), 0);
        server.kill();
        let down = village.sync().unwrap();
        assert_eq!(down.phase, Phase::Failed(Failure::Unreachable));
        server.run().unwrap();
        let fresh = device(&server.url(), "village");
        for doc in made {
            assert_eq!(fresh.open(doc).unwrap().heads(), village.open(doc).unwrap().heads());
        }
    }
}

#[test]
fn an_answer_that_is_lost_leaves_nothing_twice() {
    let server = server();
    let line = Line::open(server.port()).unwrap();
    let mut village = device(&line.url(), "village");
    fill(&mut village, 5, 1, 30);
    line.cut_after(&[1]);
    let lost = village.sync().unwrap();
    assert!(matches!(lost.phase, Phase::Failed(_)), "{lost:?}");
    assert_eq!(village.phone().waiting(), 10);
    let again = village.sync().unwrap();
    assert_eq!((again.phase, village.phone().waiting()), (Phase::Idle, 0));
    assert_eq!(held(&village, home(&village)).1, 10);
}

#[test]
fn a_captive_portal_is_not_taken_for_the_server() {
    let server = server();
    let mut village = device(&server.url(), "village");
    fill(&mut village, 1, 1, 40);
    let portal = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", portal.local_addr().unwrap());
    thread::spawn(move || {
        for mut caller in portal.incoming().flatten() {
            let mut asked = [0; 8192];
            let _ = caller.read(&mut asked);
            let page = "<html>请登录网络</html>";
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n";
            let _ = write!(caller, "{head}content-length: {}\r\n\r\n{page}", page.len());
        }
    });
    village.move_to(&address);
    assert_eq!(village.sync().unwrap().phase, Phase::Failed(Failure::NotOurs));
    assert_eq!(village.phone().waiting(), 2);
    village.move_to(&server.url());
    assert_eq!(village.sync().unwrap().phase, Phase::Idle);
    assert_eq!(village.phone().waiting(), 0);
}

#[test]
fn a_token_that_is_no_longer_good_asks_for_a_person_and_loses_nothing() {
    let server = server();
    let other = crate::server();
    let mut village = device(&server.url(), "village");
    fill(&mut village, 2, 1, 50);
    // Another server does not know the token.
    village.move_to(&other.url());
    assert_eq!(village.sync().unwrap().phase, Phase::Failed(Failure::SignInNeeded));
    assert_eq!(village.phone().waiting(), 4);
    assert!(Device::new(&server.url()).sign_in("village", "not the password").is_err());
    village.move_to(&server.url());
    village.sign_in("village", PASSWORD).unwrap();
    assert_eq!(village.sync().unwrap().phase, Phase::Idle);
    assert_eq!(village.phone().waiting(), 0);
}
