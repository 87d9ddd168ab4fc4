"""What is near certain merges; what is likely is suggested; what tells things apart keeps them apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbuilder.normalize import name_key
from kgbuilder.resolve import MERGE_SCORE, Node, block_keys, compare
from kgbuilder.resolve.comparison import SUGGEST_SCORE


def node(text: str, label: str) -> Node:
    return Node.of(label, name_key(text, label))


MERGED = [
    ("ORG", "Univ. of Chicago", "University of Chicago"),
    ("ORG", "World Health Organisation", "World Health Organization"),
    ("ORG", "Harbor Bros Shipping", "Harbor Brothers Shipping"),
    ("ORG", "Intl Chess Federation", "International Chess Federation"),
    ("ORG", "Bank China", "China Bank"),
    ("ORG", "第1中学", "第一中学"),
    ("ORG", "北京市第一医院", "北京第一医院"),
    ("LOC", "River Thames", "Thames River"),
    ("LOC", "Mt. Everest", "Mount Everest"),
    ("LOC", "St. Louis", "Saint Louis"),
    ("LOC", "Main St", "Main Street"),
    ("LOC", "杭州市西湖区", "杭州西湖区"),
    ("PER", "JK Rowling", "J. K. Rowling"),
    ("PRODUCT", "iPhone 15", "iPhone15"),
    ("TERM", "COVID-19", "COVID19"),
]

SUGGESTED = [
    ("PER", "J. K. Rowling", "Joanne Rowling"),
    ("PER", "Joanne Rowling", "Joanne Kathleen Rowling"),
    ("PER", "John Marlow", "John Marlowe"),
    ("PER", "Wei Zhang", "Zhang Wei"),
    ("PER", "张伟", "Zhang Wei"),
    ("PER", "张晓明", "Xiaoming Zhang"),
    ("PER", "张晓明", "张小明"),
    ("PER", "张三丰", "三丰"),
    ("PER", "列夫·托尔斯泰", "托尔斯泰"),
    ("ORG", "华为", "华为技术有限公司"),
    ("ORG", "华为", "深圳华为技术"),
    ("ORG", "华阳科技", "华扬科技"),
    ("ORG", "WHO", "World Health Organization"),
    ("ORG", "Kestrel", "Kestrel Systems"),
    ("ORG", "CocaCola", "Coca-Cola"),
    ("TERM", "diabetes", "diabetis"),
]

APART = [
    ("PER", "Marlow", "Harlow"),
    ("PER", "Henry IV", "Henry V"),
    ("PER", "Martin Luther King", "Martin Luther King Jr."),
    ("PER", "Mr Marlow", "Mrs Marlow"),
    ("ORG", "第一医院", "第二医院"),
    ("ORG", "University of York", "York University"),
    ("ORG", "北方工业集团", "南方工业集团"),
    ("ORG", "Northern Railway Office", "Southern Railway Office"),
    ("ORG", "中国北方重型工业机械总厂", "中国南方重型工业机械总厂"),
    ("ORG", "华为", "世界卫生组织"),
    ("LOC", "North Korea", "South Korea"),
    ("LOC", "上饶", "下饶"),
    ("PRODUCT", "华为P30", "华为P40"),
    ("PRODUCT", "Falcon 9", "Falcon 8"),
    ("WORK", "Dog Bites Man", "Man Bites Dog"),
    ("EVENT", "Kramer vs Kraemer Trial 2019", "Kramer vs Kraemer Trial 2018"),
    ("TIME", "2019年3月", "2019年4月"),
    ("NUM", "1,000,000,001", "1,000,000,002"),
]


@pytest.mark.parametrize(("label", "one", "other"), MERGED)
def test_another_spelling_of_the_same_words_merges(label, one, other):
    a, b = node(one, label), node(other, label)
    assert a.key != b.key, "the key alone would do"
    assert compare(a, b).score >= MERGE_SCORE


@pytest.mark.parametrize(("label", "one", "other"), SUGGESTED)
def test_a_likely_pair_is_suggested_but_never_merged(label, one, other):
    found = compare(node(one, label), node(other, label))
    assert SUGGEST_SCORE <= found.score < MERGE_SCORE
    assert found.reason


@pytest.mark.parametrize(("label", "one", "other"), APART)
def test_names_of_two_things_stay_apart(label, one, other):
    assert compare(node(one, label), node(other, label)).score == 0


@pytest.mark.parametrize(("label", "one", "other"), MERGED + SUGGESTED)
def test_pairs_that_compare_share_a_block(label, one, other):
    assert set(block_keys(node(one, label))) & set(block_keys(node(other, label)))


def test_homonyms_of_different_type_share_no_block_and_never_compare():
    person, place = node("Lincoln", "PER"), node("Lincoln", "LOC")
    assert compare(person, place).score == 0
    assert not set(block_keys(person)) & set(block_keys(place))


def test_another_spelling_in_another_type_never_compares():
    assert compare(Node.of("LOC", "mt everest"), Node.of("ORG", "mount everest")).score == 0


def test_nodes_that_a_person_split_are_not_compared_again():
    assert compare(Node.of("PER", "张伟"), Node.of("PER", "张伟", "2")).score == 0


NAMES = st.one_of(
    st.text("abcdeé 12.,-&", min_size=1, max_size=24),
    st.text("张王三第一二北京市省公司科技华为阳扬P3", min_size=1, max_size=12),
    st.text(min_size=1, max_size=12),
)


@given(NAMES, NAMES, st.sampled_from(["PER", "ORG", "LOC", "WORK", "TERM", "TIME"]))
def test_comparing_is_symmetric_and_scored(one, other, label):
    a, b = node(one, label), node(other, label)
    found = compare(a, b)
    assert found == compare(b, a)
    assert found.score == 0 or SUGGEST_SCORE <= found.score <= 1
    assert bool(found.reason) == bool(found.score)
    if found.score >= MERGE_SCORE:
        assert set(block_keys(a)) & set(block_keys(b))


@given(NAMES, st.sampled_from(["PER", "ORG", "LOC", "WORK", "TERM"]))
def test_a_node_has_few_block_keys_of_its_own_label(name, label):
    keys = block_keys(node(name, label))
    assert 1 <= len(keys) <= 6
    assert all(key.startswith(f"{label}|") for key in keys)


@given(st.text("张王李赵abcdefgh", min_size=4, max_size=12), st.integers(0, 11), st.sampled_from("刘陈xyz"))
def test_one_wrong_letter_never_merges(name, at, char):
    wrong = name[: at % len(name)] + char + name[at % len(name) + 1 :]
    assert compare(node(name, "ORG"), node(wrong, "ORG")).score < MERGE_SCORE


@pytest.mark.parametrize("label", ["TIME", "NUM"])
def test_values_have_no_blocks(label):
    assert block_keys(node("2019年3月", label)) == ()


def test_a_text_too_long_for_a_name_has_no_blocks():
    assert block_keys(node("长" * 10_000, "ORG")) == ()
