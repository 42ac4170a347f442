use super::*;
use crate::id::RoomKey;
use crate::protocol::frame::{Opcode, write_header};

/// A text frame whose payload is `length` times this letter.
fn frame(letter: u8, length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_header(&mut bytes, Opcode::Text, length);
    bytes.resize(bytes.len() + length, letter);
    bytes
}

fn left(outbox: &Outbox) -> Vec<u8> {
    let mut slices = [IoSlice::new(&[]); 16];
    let filled = outbox.fill(&mut slices);
    slices[..filled]
        .iter()
        .flat_map(|slice| slice.to_vec())
        .collect()
}

/// The upgrade's answer, then three small frames in a run and three in a shared segment.
fn full() -> (Outbox, Vec<u8>, Vec<usize>) {
    let frames = [
        frame(b'a', 5),
        frame(b'b', 200),
        frame(b'c', 0),
        frame(b'd', 70_000),
        frame(b'e', 3),
        frame(b'f', 126),
    ];
    let mut outbox = Outbox::default();
    outbox.append(|run| run.extend_from_slice(b"HTTP/1.1 101 x\r\n\r\n"));
    outbox.begin_frames();
    for frame in &frames[..3] {
        outbox.push_payload(Bytes::from(frame.clone()));
    }
    outbox.push_shared(Bytes::from(frames[3..].concat()));
    let all = left(&outbox);
    let mut ends = vec![all.len() - frames.concat().len()];
    for frame in &frames {
        ends.push(ends[ends.len() - 1] + frame.len());
    }
    (outbox, all, ends)
}

#[test]
fn a_purge_leaves_the_rest_of_the_frame_that_was_begun_and_not_a_byte_more() {
    let (_, all, ends) = full();
    let cuts = (0..400).chain(all.len() - 500..=all.len());
    for written in cuts {
        let (mut outbox, ..) = full();
        outbox.consume(written);
        let end = *ends
            .iter()
            .find(|end| **end >= written)
            .expect("an end at the end");
        let dropped = outbox.purge_frames();
        assert_eq!(dropped, all.len() - end, "{written} written");
        assert_eq!(outbox.bytes(), end - written, "{written} written");
        assert_eq!(left(&outbox), all[written..end], "{written} written");
        // And it goes on as if nothing had been.
        outbox.append(|run| run.extend_from_slice(b"\x88\x00"));
        outbox.consume(end - written);
        assert_eq!(left(&outbox), b"\x88\x00", "{written} written");
    }
}

#[test]
fn what_are_no_frames_stays_whole_once_it_was_begun() {
    let mut outbox = Outbox::default();
    outbox.push_shared(Bytes::from_static(b"<!doctype html>"));
    outbox.consume(3);
    assert_eq!(outbox.purge_frames(), 0);
    assert_eq!(left(&outbox), b"octype html>");
}

#[test]
fn a_rooms_frames_are_taken_back_but_for_the_one_that_was_begun_and_everything_else_stays() {
    let ours = RoomKey(7);
    let parts: [(Option<RoomKey>, Vec<Vec<u8>>); 5] = [
        (
            Some(ours),
            vec![frame(b'a', 5), frame(b'b', 300), frame(b'c', 0)],
        ),
        (None, vec![frame(b'd', 9)]),
        (Some(RoomKey(8)), vec![frame(b'e', 130), frame(b'f', 1)]),
        (Some(ours), vec![frame(b'g', 70_000)]),
        (None, vec![frame(b'h', 2)]),
    ];
    let all: Vec<u8> = parts
        .iter()
        .flat_map(|(_, frames)| frames.concat())
        .collect();
    for written in (0..500).chain(all.len() - 100..=all.len()) {
        let mut outbox = Outbox::default();
        let (mut kept, mut begin) = (Vec::new(), 0);
        for (room, frames) in &parts {
            let bytes = Bytes::from(frames.concat());
            match room {
                Some(room) => outbox.push_of_room(bytes, *room),
                None => outbox.push_payload(bytes),
            }
            for frame in frames {
                let end = begin + frame.len();
                let is_begun = begin < written && written < end;
                if end > written && (*room != Some(ours) || is_begun) {
                    kept.extend_from_slice(&frame[written.saturating_sub(begin)..]);
                }
                begin = end;
            }
        }
        outbox.consume(written);
        let before = outbox.bytes();
        let dropped = outbox.purge_room(ours, 0, &mut Vec::new()).bytes;
        assert_eq!(left(&outbox), kept, "{written} written");
        assert_eq!((outbox.bytes(), dropped), (kept.len(), before - kept.len()));
    }
}

#[test]
fn what_is_of_use_for_a_moment_only_is_taken_back_whole_and_what_is_begun_is_finished() {
    let (one, other) = (RoomKey(1), RoomKey(2));
    let news = |joined, left| Passing { joined, left };
    let mut outbox = Outbox::default();
    outbox.push_passing(frame(b'a', 10).into(), one, news(0, 0));
    outbox.push_passing(frame(b'b', 10).into(), one, news(3, 1));
    outbox.push_of_room(frame(b'c', 10).into(), one);
    outbox.push_passing(frame(b'd', 10).into(), other, news(0, 255));
    outbox.push_passing(frame(b'e', 10).into(), other, news(0, 256));
    outbox.consume(1);
    let mut taken = Vec::new();
    let dropped = outbox
        .purge_passing(0, |room, passing| taken.push((room, passing)))
        .bytes;
    assert_eq!(dropped, 24);
    assert_eq!(taken, [(one, news(3, 1)), (other, news(0, 255))]);
    let rest = [frame(b'a', 10), frame(b'c', 10), frame(b'e', 10)].concat();
    assert_eq!(left(&outbox), rest[1..]);
    assert_eq!(outbox.bytes(), rest.len() - 1);
    assert_eq!(
        outbox.purge_passing(0, |_, _| unreachable!("taken")),
        Purged::default()
    );
    outbox.consume(rest.len() - 1);
    assert!(outbox.is_empty());
}

#[test]
fn a_room_that_is_left_takes_back_what_is_of_use_for_a_moment_only_too() {
    let (one, other) = (RoomKey(1), RoomKey(2));
    let mut outbox = Outbox::default();
    for room in [one, other, one] {
        outbox.push_passing(frame(b'a', 10).into(), room, Passing::default());
    }
    assert_eq!(outbox.purge_room(one, 0, &mut Vec::new()).bytes, 24);
    let mut taken = 0;
    outbox.purge_passing(0, |_, _| taken += 1);
    assert_eq!(taken, 1);
    outbox.push_passing(frame(b'a', 10).into(), one, Passing::default());
    outbox.purge_unwritten();
    outbox.push_of_room(frame(b'b', 10).into(), one);
    outbox.consume(12);
    assert!(left(&outbox).is_empty());
}

#[test]
fn each_reply_that_is_taken_back_gives_what_is_told_in_its_place_and_one_that_is_begun_is_finished()
{
    let (one, other) = (RoomKey(1), RoomKey(2));
    let replies = [(b'a', one), (b'b', one), (b'c', other), (b'd', one)];
    let mut outbox = Outbox::default();
    for (letter, room) in replies {
        let instead = Bytes::from(vec![letter]);
        outbox.push_reply(frame(letter, 10).into(), room, instead);
    }
    outbox.consume(1);
    let mut instead = Vec::new();
    assert_eq!(outbox.purge_room(one, 0, &mut instead).bytes, 24);
    assert_eq!(instead, ["b", "d"]);
    let rest = [frame(b'a', 10), frame(b'c', 10)].concat();
    assert_eq!(left(&outbox), rest[1..]);
    outbox.purge_room(one, 0, &mut instead);
    assert_eq!(instead.len(), 2);
}

#[test]
fn a_segment_is_no_larger_for_what_it_tells_of() {
    assert_eq!(size_of::<Segment>(), 40);
}

#[test]
fn what_an_outbox_weighs_is_its_own_and_goes_as_it_is_written() {
    let room = RoomKey(1);
    let told: Bytes = frame(b'a', 1000).into();
    let mut outbox = Outbox::default();
    outbox.push_told(told.clone(), room);
    assert_eq!(outbox.weight(), SEGMENT_BYTES, "others hold the frame");
    outbox.push_passing(told.clone(), room, Passing::default());
    assert_eq!(outbox.weight(), 2 * SEGMENT_BYTES, "and this one");
    outbox.push_of_room(told.clone(), room);
    let own = SEGMENT_BYTES + told.len();
    assert_eq!(outbox.weight(), 2 * SEGMENT_BYTES + own);
    outbox.push_payload(vec![0; SHARE_BYTES_MIN].into());
    let shared = SEGMENT_BYTES + SHARE_BYTES_MIN;
    assert_eq!(outbox.weight(), 2 * SEGMENT_BYTES + own + shared);
    let run = outbox.weight();
    for length in [RUN_BYTES - 1000, 2000] {
        outbox.append(|run| run.resize(run.len() + length, 0));
    }
    let run = outbox.weight() - run;
    let expected = SEGMENT_BYTES + RUN_BYTES + 1000;
    assert_eq!(run, expected, "a full run keeps no room that it grew by");
    for (length, weight) in [
        (told.len(), SEGMENT_BYTES + own + shared + run),
        (told.len(), own + shared + run),
        (told.len() - 1, own + shared + run),
        (1, shared + run),
        (SHARE_BYTES_MIN, run),
        (RUN_BYTES + 1000, 0),
    ] {
        assert!(!outbox.is_empty());
        outbox.consume(length);
        assert_eq!(outbox.weight(), weight, "{length} bytes more are written");
    }
    assert!(outbox.is_empty() && outbox.passing == 0);
}

#[test]
fn small_replies_are_one_write_and_a_large_one_is_not_copied() {
    let mut outbox = Outbox::default();
    for _ in 0..10 {
        outbox.push_payload(vec![1; SHARE_BYTES_MIN - 1].into());
        outbox.push_payload(vec![1; 10].into());
    }
    let (full, rest) = (outbox.bytes() / RUN_BYTES, 1);
    assert_eq!(outbox.segments.len(), full + rest);
    let large = Bytes::from(vec![2; SHARE_BYTES_MIN]);
    outbox.push_payload(large.clone());
    let last = outbox.segments.back().expect("a segment").as_slice();
    assert_eq!(last.as_ptr(), large.as_ptr());
}

#[test]
fn an_outbox_that_was_full_gives_its_places_back_and_a_small_one_keeps_them() {
    for (segments, is_kept) in [(1, true), (SEGMENTS_KEPT, true), (100, false)] {
        let mut outbox = Outbox::default();
        for _ in 0..segments {
            outbox.push_shared(Bytes::from_static(b"x"));
        }
        outbox.consume(segments);
        let capacity = outbox.segments.capacity();
        assert_eq!(capacity > 0, is_kept, "{segments} leave {capacity}");
        assert!(capacity <= SEGMENTS_KEPT);
    }
}

#[test]
fn what_is_taken_back_weighs_nothing_and_is_counted_as_far_as_it_was_among_the_first() {
    let (one, other) = (RoomKey(1), RoomKey(2));
    for (written, first, of_first) in [
        (0, 0, 0),
        (0, 12, 12),
        (0, 30, 18),
        (0, 100, 24),
        (12, 12, 0),
        (12, 20, 8),
        (25, 5, 0),
    ] {
        let mut outbox = Outbox::default();
        for room in [one, other, one] {
            outbox.push_of_room(frame(b'a', 10).into(), room);
        }
        outbox.consume(written);
        let purged = outbox.purge_room(one, first, &mut Vec::new());
        let is_begun = written % 12 > 0;
        let bytes = 24 - written.min(12) - 12 * usize::from(is_begun);
        assert_eq!(purged, Purged { bytes, of_first }, "{written} {first}");
        let left = 36 - written - bytes;
        assert_eq!(outbox.bytes(), left);
        let segments = left.div_ceil(12);
        assert_eq!(outbox.weight(), segments * (SEGMENT_BYTES + 12));
    }
}

#[test]
fn of_what_nobody_was_sent_nothing_stays_but_the_rest_of_what_was_begun() {
    for (written, rest) in [(0, 0), (1, 11), (12, 0), (13, 11)] {
        let mut outbox = Outbox::default();
        for _ in 0..3 {
            outbox.push_shared(frame(b'a', 10).into());
        }
        outbox.consume(written);
        assert_eq!(outbox.purge_unwritten(), 36 - written - rest);
        assert_eq!((outbox.bytes(), left(&outbox).len()), (rest, rest));
        let weight = rest.div_ceil(12) * (SEGMENT_BYTES + 12);
        assert_eq!(outbox.weight(), weight);
    }
}
