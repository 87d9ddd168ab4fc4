from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbuilder.extract.reply import StreamedReply, UnansweredError, read_completion, storable


def chat(**choice: object) -> bytes:
    return orjson.dumps({"model": "m", "choices": [choice], "usage": {"prompt_tokens": 7, "completion_tokens": 3}})


def test_reads_a_chat_reply() -> None:
    completion = read_completion(chat(message={"content": "{}"}, finish_reason="stop"), api="chat")
    assert (completion.text, completion.model, completion.finish) == ("{}", "m", "stop")
    assert (completion.n_prompt_tokens, completion.n_reply_tokens, completion.logprob) == (7, 3, None)


def test_reads_a_completions_reply() -> None:
    assert read_completion(chat(text="{}"), api="completions").text == "{}"


def test_takes_the_mean_of_the_log_probabilities() -> None:
    tokens = [{"logprob": -0.1}, {"logprob": -0.3}]
    completion = read_completion(chat(message={"content": "{}"}, logprobs={"content": tokens}), api="chat")
    assert completion.logprob == pytest.approx(-0.2)
    completion = read_completion(chat(text="{}", logprobs={"token_logprobs": [None, -0.5]}), api="completions")
    assert completion.logprob == pytest.approx(-0.5)


def test_a_log_probability_above_zero_makes_no_score_above_one() -> None:
    tokens = [{"logprob": 3.0}]
    assert read_completion(chat(message={"content": "{}"}, logprobs={"content": tokens}), api="chat").logprob == 0.0


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "unreadable reply"),
        (b"<html>502</html>", "unreadable reply"),
        (b"[1]", "unreadable reply"),
        (b"null", "unreadable reply"),
        (b"\xff\xfe{}", "unreadable reply"),
        (b"[" * 100_000, "unreadable reply"),
        (b'{"error": {"message": "overloaded"}}', "unreadable reply"),
        (b'{"choices": []}', "unreadable reply"),
        (b'{"choices": {"0": 1}}', "unreadable reply"),
        (b'{"choices": [1]}', "unreadable reply"),
        (b'{"choices": [{"message": null}]}', "empty reply"),
        (b'{"choices": [{"message": {"content": null, "tool_calls": []}}]}', "empty reply"),
        (b'{"choices": [{"message": {"content": ["a"]}}]}', "empty reply"),
        (b'{"choices": [{"message": {"content": " \\n"}}]}', "empty reply"),
    ],
)
def test_a_reply_that_is_none_says_what_it_is(body: bytes, kind: str) -> None:
    with pytest.raises(UnansweredError) as caught:
        read_completion(body, api="chat")
    assert caught.value.kind == kind
    assert caught.value.is_retryable


@pytest.mark.parametrize(
    "extra",
    [
        {"usage": None},
        {"usage": {"prompt_tokens": "7", "completion_tokens": -1}},
        {"usage": []},
        {"model": 5},
        {"model": "x" * 10_000},
    ],
)
def test_wrong_fields_beside_the_text_do_no_harm(extra: dict[str, object]) -> None:
    completion = read_completion(orjson.dumps({"choices": [{"message": {"content": "{}"}}], **extra}), api="chat")
    assert completion.n_prompt_tokens == 0
    assert len(completion.model) <= 200


@pytest.mark.parametrize(
    "logprobs", [None, 3, {"content": [None, {"logprob": "x"}, {"logprob": None}]}, {"content": 1}]
)
def test_wrong_log_probabilities_are_none(logprobs: object) -> None:
    assert read_completion(chat(message={"content": "{}"}, logprobs=logprobs), api="chat").logprob is None


def test_lone_surrogates_become_storable() -> None:
    text = read_completion(b'{"choices": [{"text": "a\\ud800b \\ud83d\\ude00"}]}', api="completions").text
    assert text == "a\ufffdb 😀"


@given(st.text() | st.text(st.characters(categories=["Cs", "Lo"])))
def test_storable_text_can_be_stored_and_keeps_what_could_be(text: str) -> None:
    stored = storable(text)
    stored.encode()
    assert stored == text or "\ufffd" in stored or any("\ud800" <= char <= "\udfff" for char in text)


EVENTS = (
    ": a comment\n\n"
    'data: {"model":"m","choices":[{"delta":{"role":"assistant"}}]}\n\n'
    'data: {"choices":[{"delta":{"content":"林"},"logprobs":{"content":[{"logprob":-0.2}]}}]}\r\n\r\n'
    'data:{"choices":[{"delta":{"content":"知远"},"finish_reason":"stop"}]}\n\n'
    'data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2}}\n\n'
    "data: [DONE]\n\n"
).encode()


@given(st.lists(st.integers(0, len(EVENTS)), max_size=8))
def test_a_stream_reads_the_same_wherever_it_is_cut(cuts: list[int]) -> None:
    reply = StreamedReply("chat")
    marks = [0, *sorted(cuts), len(EVENTS)]
    for start, end in pairwise(marks):
        reply.feed(EVENTS[start:end])
    completion = reply.completion()
    assert (completion.text, completion.model, completion.finish) == ("林知远", "m", "stop")
    assert (completion.n_prompt_tokens, completion.n_reply_tokens) == (5, 2)
    assert completion.logprob == pytest.approx(-0.2)


def test_a_stream_without_its_end_is_cut_and_keeps_what_came() -> None:
    reply = StreamedReply("chat")
    reply.feed(EVENTS[: EVENTS.index("知远".encode())])
    with pytest.raises(UnansweredError) as caught:
        reply.completion()
    assert (caught.value.kind, caught.value.partial) == ("cut reply", "林")


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (b'data: {"error": {"message": "out of memory"}}\n', "server error"),
        (b"data: {not json\n", "unreadable reply"),
        (b"data: 5\n", "unreadable reply"),
    ],
)
def test_a_wrong_event_ends_the_stream(event: bytes, kind: str) -> None:
    with pytest.raises(UnansweredError) as caught:
        StreamedReply("chat").feed(event)
    assert caught.value.kind == kind


def test_an_endless_stream_is_given_up() -> None:
    reply = StreamedReply("chat")
    reply.feed(b"x" * 7_000_000)
    with pytest.raises(UnansweredError, match="longer"):
        reply.feed(b"x" * 7_000_000)


def test_a_stream_that_says_nothing_is_empty() -> None:
    reply = StreamedReply("chat")
    reply.feed(b"data: [DONE]\n")
    with pytest.raises(UnansweredError, match="nothing"):
        reply.completion()
