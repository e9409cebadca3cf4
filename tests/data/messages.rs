//! What is said about bad data, as it is drawn.

use super::case;
use vippl::data::Mode;

const SCHOOL: &str = "data school(y, sigma)
mu ~ Normal(0, 5)
tau ~ HalfCauchy(5)
theta[school] ~ Normal(mu, tau)
y ~ Normal(theta, sigma)";

const COUNTS: &str = "data plate(n: int, total: int, x)
b ~ Normal(0, 1)
n ~ Binomial(total, logit = b * x)";

const RADON: &str = "data house(county: index, y)
a[county] ~ Normal(0, 1)
y ~ Normal(a[county], 1)";

const TWO: &str = "data house(county: county, y)
data county(u)
b ~ Normal(0, 1)
y ~ Normal(b * u[county], 1)";

const MATRIX: &str = "data y[person, item]: bool
b[item] ~ Normal(0, 1)
y ~ Bernoulli(logit = b)";

const GROUPED: &str = "axis county = 1..3
data house(county: county, y)
a[county] ~ Normal(0, 1)
y ~ Normal(a[county], 1)";

const SHIFTED: &str = "data y[time], k: int
b ~ Normal(0, 1)
x[t in time] = y[t - k]
y ~ Normal(b * x, 1)";

const IMPUTED: &str = "data obs(y, temp?)
b ~ Normal(0, 1)
y ~ Normal(b * temp, 1)";

const TRUNCATED: &str = "data obs(y), upper
m ~ Normal(0, 1)
y ~ Normal(m, 1) in [-inf, upper]";

const LEVELS: &str = "data house(county: index, y), u[county]
b ~ Normal(0, 1)
y ~ Normal(b * u[county], 1)";

const GAPS: &str = r#"{"county": [1, 4], "y": [0, 1], "u": [5, 6, 7]}"#;

/// What is wrong, the program, the files and the arguments.
type Bad<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);

#[test]
fn bad_data_are_explained() {
    let cases: &[Bad] = &[
        ("nothing given", SCHOOL, &[], &[]),
        ("file missing", SCHOOL, &[], &["s.csv"]),
        ("column missing", SCHOOL, &[("s.csv", "y,Sigma\n1,2\n")], &["s.csv"]),
        ("scalar missing", TRUNCATED, &[("o.csv", "y\n1\n")], &["o.csv"]),
        ("unknown argument", SCHOOL, &[("s.csv", "y,sigma\n1,2\n")], &["s.csv", "simga=2"]),
        ("number for a table", SCHOOL, &[("s.csv", "y,sigma\n1,2\n")], &["s.csv", "y=2"]),
        ("one file too many", SCHOOL, &[("s.csv", "y,sigma\n1,2\n")], &["s.csv", "s.csv"]),
        ("which table", TWO, &[("a.csv", "a,b\n1,2\n")], &["a.csv"]),
        ("bad cell", SCHOOL, &[("s.csv", "y,sigma\n1,2\nx,2\n\nz,2\n")], &["s.csv"]),
        ("decimal comma", SCHOOL, &[("s.csv", "y;sigma\n1,5;2\n")], &["s.csv"]),
        ("not whole", COUNTS, &[("p.csv", "n,total,x\n1.5,2,0\n")], &["p.csv"]),
        ("infinite", SCHOOL, &[("s.json", r#"{"y": [1, "Inf"], "sigma": [1, 2]}"#)], &["s.json"]),
        ("missing cells", SCHOOL, &[("s.csv", "y,sigma\n,2\n1,1\nNA,1\n")], &["s.csv"]),
        ("imputation", IMPUTED, &[("o.csv", "y,temp\n1,\n2,3\n")], &["o.csv"]),
        ("lengths", SCHOOL, &[("s.json", r#"{"y": [1, 2, 3], "sigma": [1, 2]}"#)], &["s.json"]),
        ("scalar for an array", SCHOOL, &[("s.json", r#"{"y": 1, "sigma": [2]}"#)], &["s.json"]),
        ("vector for a matrix", MATRIX, &[("m.json", r#"{"y": [1, 0]}"#)], &["m.json"]),
        ("not true or false", MATRIX, &[("m.csv", "a,b\n1,0\n2,1\n")], &["m.csv"]),
        ("level not declared", GROUPED, &[("h.csv", "county,y\n1,0\n4,0\n")], &["h.csv"]),
        (
            "label not in the table",
            TWO,
            &[
                ("h.csv", "county,y\nOslo,0\nBergen,0\nVos,1\n"),
                ("c.csv", "county,u\nOslo,1\nVoss,2\n"),
            ],
            &["house=h.csv", "county=c.csv"],
        ),
        (
            "label twice",
            TWO,
            &[("h.csv", "county,y\nOslo,0\n"), ("c.csv", "county,u\nOslo,1\nOslo,2\n")],
            &["house=h.csv", "county=c.csv"],
        ),
        ("near misses", RADON, &[("h.csv", "county,y\nOslo,0\noslo,0\n")], &["h.csv"]),
        ("two columns of one name", SCHOOL, &[("s.csv", "y,sigma,y\n1,2,3\n")], &["s.csv"]),
        ("ragged", SCHOOL, &[("s.csv", "y,sigma\n1,2\n1,2,3\n")], &["s.csv"]),
        ("label without an array element", LEVELS, &[("d.json", GAPS)], &["d.json"]),
        ("unused columns", RADON, &[("h.csv", "a,county,y,b\n1,Oslo,0,1\n")], &["h.csv"]),
        ("beyond the total", COUNTS, &[("p.csv", "n,total,x\n1,2,0\n3,2,0\n")], &["p.csv"]),
        ("beyond the interval", TRUNCATED, &[("o.csv", "y\n1\n3\n")], &["o.csv", "upper=2"]),
        ("scale not positive", SCHOOL, &[("s.csv", "y,sigma\n1,2\n1,0\n1,-1\n")], &["s.csv"]),
        ("out of range", SHIFTED, &[("y.csv", "y\n1\n2\n")], &["y.csv", "k=1"]),
    ];
    for (name, program, files, arguments) in cases {
        let messages = case(program, files, arguments).messages(Mode::Fit);
        insta::assert_snapshot!(name.replace(' ', "_"), messages);
    }
}
