"""Ontology files: what is read, and that every mistake is reported at once with its line."""

from pathlib import Path

import pytest

from graph_schema import SchemaError, list_packs, load_ontology

GOOD = """\
name: small
entity_types:
  PER:
    label: Person
    zh: 人物
    en: person
    definition_zh: 人。
    definition_en: A person.
  DATE:
    zh: 日期
    en: calendar date
    definition_zh: 日期。
    definition_en: A date.
    value: true
relations:
  born_on:
    zh: 生于
    en: born on
    definition_zh: 出生的日期。
    definition_en: The day of birth.
    head: [PER]
    tail: [DATE]
    functional: true
    example_zh: 甲生于1990年。
    example_en: Ada was born in 1815.
"""


def mistakes(tmp_path: Path, text: str | bytes) -> list[str]:
    """The mistakes of a file, each without the file's name."""
    file = tmp_path / "it.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SchemaError) as raised:
        load_ontology(file)
    assert all(mistake.startswith("it.yaml:") for mistake in raised.value.mistakes)
    assert "\n".join(raised.value.mistakes) in str(raised.value).replace("\n  ", "\n")
    return [mistake.removeprefix("it.yaml:") for mistake in raised.value.mistakes]


def test_a_file_is_read(tmp_path):
    file = tmp_path / "small.yaml"
    file.write_text("\ufeff" + GOOD, encoding="utf-8")
    ontology = load_ontology(str(file))
    assert ontology.name == "small"
    assert ontology.entity_type("calendar date").label == "CalendarDate"
    assert ontology.entity_type("DATE").value
    relation = ontology.relation_types["born_on"]
    assert (relation.type, relation.head, relation.tail, relation.functional) == ("BORN_ON", ("PER",), ("DATE",), True)


def test_every_mistake_is_reported_with_its_line(tmp_path):
    text = (
        GOOD.replace("label: Person", "lable: Person")
        .replace("    definition_zh: 人。\n", "")
        .replace("en: calendar date", "en: person")
        .replace("value: true", "value: perhaps")
        .replace("head: [PER]", "head: [PRE]")
        .replace("tail: [DATE]", "tail: DATE")
        .replace("example_en: Ada was born in 1815.", "example_en:")
    )
    assert mistakes(tmp_path, text) == [
        "3: entity_types.PER has no definition_zh",
        "4: unknown key 'lable' in entity_types.PER; did you mean 'label'?",
        "8: 'Person' is a name of both 'PER' and 'DATE'",
        "13: entity_types.DATE.value must be true or false, not 'perhaps'",
        "20: relations.born_on.head names the unknown entity type 'PRE'; did you mean 'PER'?",
        "21: relations.born_on.tail must be a list of names, as in [A, B]",
        "24: relations.born_on.example_en is empty",
    ]


def test_what_stands_twice_is_reported(tmp_path):
    text = GOOD + "  born_on:\n    zh: 出生\n"
    assert mistakes(tmp_path, text) == ["26: 'born_on' stands twice in relations, first on line 16"]


def test_two_types_may_not_share_a_label(tmp_path):
    text = GOOD.replace("  DATE:\n", "  DATE:\n    label: Person\n")
    assert mistakes(tmp_path, text) == ["9: 'Person' is a name of both 'PER' and 'DATE'"]


def test_a_label_that_the_graph_model_needs_is_refused(tmp_path):
    assert mistakes(tmp_path, GOOD.replace("label: Person", "label: Chunk")) == [
        "4: 'PER': label 'Chunk' cannot stand in the graph or is reserved; write 'Chunk_'"
    ]


def test_a_relationship_type_that_is_not_safe_is_refused(tmp_path):
    text = GOOD.replace("  born_on:\n", "  born_on:\n    type: 'born`on'\n")
    (only,) = mistakes(tmp_path, text)
    assert only.startswith("17: 'born_on': type 'born`on' cannot stand in the graph")


def test_an_id_holds_letters_digits_and_underscores(tmp_path):
    (only,) = mistakes(tmp_path, GOOD.replace("  born_on:", "  born-on:"))
    assert only.startswith("16: relations: 'born-on' cannot be an id")


def test_a_symmetric_relation_has_the_same_types_on_both_sides(tmp_path):
    (only,) = mistakes(tmp_path, GOOD.replace("functional: true", "symmetric: true"))
    assert only == "16: relations.born_on is symmetric, so its head and tail must be the same"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", "1: the file is empty"),
        (b"- a\n- b\n", "1: the ontology must be a mapping, as in `key: value`"),
        ("name: x\nzh: 中".encode("gb18030"), "2: the file is not UTF-8; save it as UTF-8"),
        (b"name: a\nopen: true\nzh: [b\n", "4: this is not YAML: while parsing a flow sequence"),
        (b"name: a\x00", "1: this is not YAML: "),
        (b"[" * 100_000, "1: this is not an ontology: values lie more than 8 levels deep"),
        (b"- " * 100_000, "1: this is not an ontology: values lie more than 8 levels deep"),
        (b"name: !!python/object/apply:os.system [echo]\nopen: true", "1: name must be text"),
        (b"name: a\n", "1: the ontology has no entity types"),
        (b"open: true\n", "1: the ontology has no name"),
        (b"name: a\nopen: true\nentity_types: 5\n", "3: entity_types must be a mapping"),
        (b"name: a\nopen: true\n? [x]\n: y\n", "3: a key of the ontology must be a plain name"),
    ],
)
def test_a_file_that_is_no_ontology_is_refused(tmp_path, text, expected):
    (only,) = mistakes(tmp_path, text)
    assert only.startswith(expected)


def test_an_unknown_ontology_names_the_nearest():
    with pytest.raises(SchemaError, match="did you mean 'medicine'"):
        load_ontology("medecine")
    with pytest.raises(SchemaError, match="known are"):
        load_ontology("/no/such/file.yaml")


def test_an_unknown_base_is_reported(tmp_path):
    assert mistakes(tmp_path, "name: a\nextends: genral\nopen: true\n") == [
        "2: extends unknown ontology 'genral'; did you mean 'general'?"
    ]


def test_ontologies_that_extend_each_other_are_reported(tmp_path):
    (tmp_path / "other.yaml").write_text("name: b\nopen: true\nextends: it.yaml\n")
    file = tmp_path / "it.yaml"
    file.write_text("name: a\nopen: true\nextends: other.yaml\n")
    with pytest.raises(SchemaError) as raised:
        load_ontology(file)
    assert raised.value.mistakes == ("other.yaml:3: extends 'it.yaml', which extends this ontology: a circle",)


def test_the_mistakes_of_an_extended_file_are_reported_as_its_own(tmp_path):
    (tmp_path / "other.yaml").write_text("name: b\nopen: true\ncolour: red\n")
    file = tmp_path / "it.yaml"
    file.write_text("name: a\nextends: other.yaml\nopen: true\n")
    with pytest.raises(SchemaError) as raised:
        load_ontology(file)
    assert [mistake.split(";")[0] for mistake in raised.value.mistakes] == [
        "other.yaml:3: unknown key 'colour' in the ontology"
    ]


def test_an_extension_selects_and_adds(tmp_path):
    file = tmp_path / "it.yaml"
    file.write_text(
        """\
name: chess
extends: general
keep_entity_types: [PER, TERM]
keep_relations: [spouse, occupation, field_of_work]
entity_types:
  OPENING:
    parent: TERM
    zh: 开局
    en: chess opening
    definition_zh: 国际象棋的开局。
    definition_en: The first moves of a game.
relations:
  occupation:
    tail: [TERM]
    functional: true
  plays:
    zh: 常走
    en: plays
    definition_zh: 棋手常走的开局。
    definition_en: The opening a player likes.
    head: [PER]
    tail: [OPENING]
    example_zh: 甲常走西西里防御。
    example_en: Ada plays the Sicilian.
""",
        encoding="utf-8",
    )
    chess = load_ontology(file)
    assert tuple(chess.entity_types) == ("PER", "TERM", "OPENING")
    assert tuple(chess.relation_types) == ("spouse", "occupation", "field_of_work", "plays")
    assert chess.relation_types["field_of_work"].head == ("PER",)
    assert chess.relation_types["occupation"].functional
    assert chess.relation_types["occupation"].zh == "职业"
    assert chess.allows("PER", "occupation", "OPENING")
    assert chess.entity_types["OPENING"].ancestors == ("TERM",)


def test_a_kind_of_a_value_is_a_value(tmp_path):
    file = tmp_path / "it.yaml"
    file.write_text(
        "name: a\nextends: general\nentity_types:\n  AGE:\n    parent: NUM\n    zh: 年龄\n    en: age\n"
        "    definition_zh: 年龄。\n    definition_en: An age.\n",
        encoding="utf-8",
    )
    assert load_ontology(file).entity_types["AGE"].value


def test_what_cannot_be_kept_is_reported(tmp_path):
    text = "name: a\nextends: general\nkeep_entity_types: [PER, PRE]\nkeep_relations: [spouse, population]\n"
    assert [mistake.split(";")[0] for mistake in mistakes(tmp_path, text)] == [
        "3: keep_entity_types names unknown 'PRE'",
        "4: relation 'population' is kept, but none of its head types (LOC)",
    ]


def test_parents_may_not_run_in_a_circle(tmp_path):
    text = GOOD.replace("  PER:\n", "  PER:\n    parent: DATE\n").replace("  DATE:\n", "  DATE:\n    parent: PER\n")
    assert mistakes(tmp_path, text) == [
        "4: the parents of 'PER' run in a circle",
        "11: the parents of 'DATE' run in a circle",
    ]


def test_an_unknown_parent_is_reported(tmp_path):
    text = GOOD.replace("  PER:\n", "  PER:\n    parent: DAET\n")
    assert mistakes(tmp_path, text) == ["4: 'PER' has the unknown parent 'DAET'; did you mean 'DATE'?"]


def test_several_ontologies_can_be_joined(tmp_path):
    file = tmp_path / "it.yaml"
    file.write_text("name: a\nextends: [medicine, law, finance, transport, building]\n")
    joined = load_ontology(file)
    assert {"DISEASE", "STATUTE", "SECURITY", "STATION", "BUILDING"} <= set(joined.entity_types)
    assert joined.relation_types["party_to"].head == ("PER", "ORG")
    assert joined.relation_type("length").id == "length"


def test_the_open_flag_lets_other_names_in_beside_the_known(tmp_path):
    file = tmp_path / "it.yaml"
    file.write_text("name: a\nextends: general\nopen: true\n")
    ontology = load_ontology(file)
    assert ontology.entity_type("人物").id == "PER"
    assert ontology.entity_type("space ship").id == "SpaceShip"


def test_a_pack_is_read_once():
    assert load_ontology("general") is load_ontology("general")
    assert "general" in list_packs()
