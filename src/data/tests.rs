//! What the readers make of files, good and bad.

use super::column::{Cells, Want};
use super::csv::{Body, Csv};
use super::json::{self, Value};
use proptest::prelude::*;

fn read(text: impl Into<Vec<u8>>, wants: &[(&str, Want)]) -> Result<(Csv, Body), String> {
    let csv = Csv::open("f.csv", text.into()).map_err(|d| d.message)?;
    let mut wanted: Vec<(usize, usize)> = wants
        .iter()
        .enumerate()
        .map(|(slot, (name, _))| (csv.columns(name).next().expect("the column exists"), slot))
        .collect();
    wanted.sort_unstable();
    let slots = wants.iter().map(|(_, want)| Cells::new(*want)).collect();
    let body = csv.read(&wanted, slots).map_err(|d| d.message)?;
    Ok((csv, body))
}

fn numbers(text: impl Into<Vec<u8>>, name: &str) -> Vec<f64> {
    let (_, body) = read(text, &[(name, Want::Numbers)]).expect("the file is good");
    match body.slots.into_iter().next() {
        Some(Cells::Numbers(numbers)) => numbers.values,
        other => panic!("not numbers: {other:?}"),
    }
}

fn labels(text: &str, name: &str) -> Vec<String> {
    let (_, body) = read(text, &[(name, Want::Labels)]).expect("the file is good");
    match body.slots.into_iter().next() {
        Some(Cells::Labels(labels)) => {
            labels.codes.iter().map(|c| labels.names[*c as usize].clone()).collect()
        }
        other => panic!("not labels: {other:?}"),
    }
}

#[test]
fn every_separator_line_ending_and_mark_reads_alike() {
    for text in [
        "x,y\n1,3\n2,4\n",
        "x;y\r\n1;3\r\n2;4",
        "x\ty\n1\t3\n\n2\t4\n\n\n",
        "\u{feff}x,y\n1,3\n2,4\n",
        " x , y \n 1 , 3 \n 2 , 4 \n",
        "\"x\",\"y\"\n\"1\",\"3\"\n\"2\",\"4\"\n",
        "\n\nx,y\r\n\r\n1,3\n2,4\n",
    ] {
        assert_eq!(numbers(text, "x"), [1.0, 2.0], "{text:?}");
        assert_eq!(numbers(text, "y"), [3.0, 4.0], "{text:?}");
    }
}

#[test]
fn a_separator_inside_a_quoted_name_does_not_count() {
    assert_eq!(numbers("\"a,b,c\";x\n1;2\n", "x"), [2.0]);
}

#[test]
fn labels_are_kept_exactly() {
    let text = "g,x\n\" a, \"\"b\"\" \",1\nNA c,2\n";
    assert_eq!(labels(text, "g"), [" a, \"b\" ", "NA c"]);
}

#[test]
fn a_quoted_na_is_a_label_and_a_bare_one_is_missing() {
    let (_, body) = read("x,g\n\"a\nb\",\"NA\"\n1,NA\n2,\n", &[("g", Want::Labels)]).expect("good");
    let Cells::Labels(labels) = &body.slots[0] else { panic!("not labels") };
    assert_eq!(labels.names, ["NA"]);
    assert_eq!(labels.missing.first, [1, 2]);
}

#[test]
fn a_row_knows_its_line_past_blank_lines_and_long_cells() {
    let (_, body) = read("x,t\n1,a\n\n2,\"b\nc\"\n3,d\r\n\r\n4,e\n", &[]).expect("good");
    assert_eq!(body.rows, 4);
    assert_eq!([0, 1, 2, 3].map(|row| body.lines.line(row)), [2, 4, 6, 8]);
}

#[test]
fn a_header_may_count() {
    let (csv, body) = read("1990,1991\n3,4\n", &[]).expect("good");
    assert_eq!((csv.columns("1991").count(), body.rows), (1, 1));
}

#[test]
fn files_that_cannot_be_used_say_why() {
    let cases: &[(&[u8], &str)] = &[
        (b"", "`f.csv` is empty"),
        (b"\n\n", "`f.csv` is empty"),
        (b"x,y\n", "`f.csv` has a header but no rows"),
        (b"1.5,2\n3,4\n", "`f.csv` has numbers where the names of its columns should be"),
        (b"x,y\n1,2\n3\n", "`f.csv` has 1 cell on line 3 and 2 names in its header"),
        (b"x,y\n1,2,3\n", "`f.csv` has 3 cells on line 2 and 2 names in its header"),
        (b"x,y\n1,\"2\n3,4\n", "`f.csv` has a quote that is never closed"),
        (b"x\nL\xfcbeck\n", "`f.csv` is not UTF-8 text (line 2)"),
        (b"\xff\xfex\0", "`f.csv` is not UTF-8 text (line 1)"),
    ];
    for (text, message) in cases {
        assert_eq!(read(*text, &[]).map(|_| ()), Err((*message).to_owned()));
    }
}

fn block(text: &str) -> (Vec<usize>, Vec<f64>) {
    match json::parse("f.json", text.as_bytes()) {
        Ok(Value::Block(block)) => match block.cells(Want::Numbers) {
            Cells::Numbers(numbers) => (block.shape, numbers.values),
            Cells::Labels(_) => panic!("asked for numbers"),
        },
        other => panic!("not an array: {other:?}"),
    }
}

#[test]
fn json_arrays_are_flattened_in_row_order() {
    assert_eq!(
        block("[[1, 2, 3], [4, 5.5, true]]"),
        (vec![2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.5, 1.0])
    );
    assert_eq!(block("[[[1],[2]],[[3],[4]]]").0, [2, 2, 1]);
    assert_eq!(block("[]").0, [0]);
    assert_eq!(block("[[],[]]").0, [2, 0]);
    assert_eq!(block(" 3 "), (vec![], vec![3.0]));
}

#[test]
fn json_reads_stan_spellings_of_infinity_and_missing_cells() {
    let (_, values) = block(r#"["Inf", "-Inf", "NaN", null, -2]"#);
    assert_eq!(values[..2], [f64::INFINITY, f64::NEG_INFINITY]);
    assert!(values[2].is_nan() && values[3].is_nan());
    assert_eq!(values[4], -2.0);
}

#[test]
fn json_labels_are_texts_and_large_integers_stay_exact() {
    let Ok(Value::Block(block)) = json::parse("f", br#"["a", 2, 9007199254740993, "a"]"#) else {
        panic!("not an array")
    };
    let Cells::Labels(labels) = block.cells(Want::Labels) else { panic!("not labels") };
    assert_eq!(labels.names, ["a", "2", "9007199254740993"]);
    assert_eq!(labels.codes, [0, 1, 2, 0]);
}

#[test]
fn json_objects_in_an_array_are_rows_and_a_row_may_lack_a_cell() {
    let text = br#"[{"a": 1, "b": "x"}, {"b": "y"}, {"a": 3, "b": null, "c": true}]"#;
    let Ok(Value::Object(columns)) = json::parse("f", text) else { panic!("not columns") };
    let column = |name: &str, want| {
        let found = columns.iter().find(|(key, _)| key == name);
        let Some((_, Value::Block(block))) = found else { panic!("no column {name}") };
        assert_eq!(block.shape, [3]);
        block.cells(want)
    };
    let Cells::Numbers(a) = column("a", Want::Numbers) else { panic!("not numbers") };
    assert_eq!((a.values[0], a.values[2], &a.missing.first[..]), (1.0, 3.0, &[1][..]));
    let Cells::Labels(b) = column("b", Want::Labels) else { panic!("not labels") };
    assert_eq!((&b.names[..], b.missing.count), (&["x".to_owned(), "y".to_owned()][..], 1));
    let Cells::Numbers(c) = column("c", Want::Numbers) else { panic!("not numbers") };
    assert_eq!((c.values[2], &c.missing.first[..]), (1.0, &[0, 1][..]));
}

#[test]
fn json_that_cannot_be_used_says_why() {
    for (text, reason) in [
        ("", "EOF"),
        ("{\"a\": 1} x", "trailing"),
        ("[1, [2]]", "mixes numbers and arrays"),
        ("[[1], 2]", "mixes numbers and arrays"),
        ("[[1, 2], [3]]", "different lengths: 2 and 1"),
        ("[{\"a\": 1}, 2]", "mixes objects and other values"),
        ("[2, {\"a\": 1}]", "mixes objects and other values"),
        ("[{\"a\": [1]}]", "`a` is not one cell"),
        ("[{\"a\": 1, \"a\": 2}]", "the name `a` occurs twice"),
        ("[[{\"a\": 1}]]", "expected a number"),
        ("{\"a\": 1, \"a\": 2}", "the name `a` occurs twice"),
    ] {
        let problem = json::parse("f.json", text.as_bytes()).expect_err(text);
        assert_eq!(problem.message, "`f.json` is not usable JSON");
        assert!(problem.notes[0].contains(reason), "{text}: {:?}", problem.notes);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(csv) = Csv::open("f", bytes.clone()) {
            let wanted: Vec<_> = (0..csv.header.len()).map(|c| (c, c % 2)).collect();
            let _ = csv.read(&wanted, vec![Cells::new(Want::Numbers), Cells::new(Want::Labels)]);
        }
        let _ = json::parse("f", &bytes);
    }

    #[test]
    fn text_of_the_right_form_is_read_or_refused(text in "[a-z0-9\",;\t\r\n.\\[\\]{}:-]{0,80}") {
        if let Ok(csv) = Csv::open("f", text.clone().into_bytes()) {
            let wanted: Vec<_> = (0..csv.header.len()).map(|c| (c, 0)).collect();
            let _ = csv.read(&wanted, vec![Cells::new(Want::Labels)]);
        }
        let _ = json::parse("f", text.as_bytes());
    }

    #[test]
    fn what_a_csv_writer_writes_is_read_back(
        rows in proptest::collection::vec(("[a-zA-Z \",;\n\r\té]{1,8}", -1e6_f64..1e6), 1..20),
        delimiter in prop_oneof![Just(b','), Just(b';'), Just(b'\t')],
    ) {
        let mut writer = ::csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
        writer.write_record(["label", "x"]).expect("writes to memory");
        for (label, x) in &rows {
            writer.write_record([label.as_str(), &x.to_string()]).expect("writes to memory");
        }
        let text = writer.into_inner().expect("writes to memory");
        prop_assert_eq!(
            numbers(text.clone(), "x"),
            rows.iter().map(|(_, x)| *x).collect::<Vec<_>>()
        );
        let (_, body) = read(text, &[("label", Want::Labels)]).expect("good");
        let Cells::Labels(read) = &body.slots[0] else { panic!("not labels") };
        for (code, (label, _)) in read.codes.iter().zip(&rows) {
            if *code != super::column::MISSING {
                prop_assert_eq!(&read.names[*code as usize], label);
            } else {
                prop_assert!(["NA", "NaN", "null", ""].contains(&label.trim()));
            }
        }
    }
}
