"""Text encoders trained on judged queries, with a tiny model and a real Elasticsearch."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import pytest

pytest.importorskip("torch")
import torch

from indexer.encoders.registry import load_text_encoder
from indexer.finetune.bm25 import Bm25
from indexer.finetune.catalogue import read_index
from indexer.finetune.judged_queries import (
    ranking_figures,
    read_grades,
    right_products,
)
from indexer.finetune.options import FinetuneOptions
from indexer.finetune.text_command import lookalikes, run_text
from indexer.finetune.text_pairs import TextBatches, split_queries
from indexer.settings import IndexerSettings
from mappings.errors import InvalidQuery
from mappings.index_names import read_alias
from tests.indexer.encoders.conftest import build_tiny_model

pytestmark = pytest.mark.models

COLOURS = ("black", "red")
THINGS = ("mouse", "laptop", "cable", "case", "shoes", "phone")
SETTINGS = IndexerSettings.from_environment({"SHELFWISE_TEXT_TEMPLATE": "{title}"})


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Networks this small wait for each other's threads longer than they compute."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def build_model(folder: Path) -> Path:
    """Save the tiny random model made to learn: words averaged, small weights, no prompts."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling

    tiny = SentenceTransformer(str(build_tiny_model(folder)), device="cpu")
    tiny.prompts = {}
    with torch.no_grad():
        for name, values in tiny[0].named_parameters():
            if values.ndim > 1 and "word_embeddings" not in name:
                values.mul_(0.1)
    model = SentenceTransformer(modules=[tiny[0], Pooling(32, pooling_mode="mean")], device="cpu")
    model.save(str(folder / "learner"), create_model_card=False)
    return folder / "learner"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Products named in one order of words, and queries in others."""
    folder = tmp_path_factory.mktemp("texts")
    products = [
        {"id": f"{colour}-{thing}-{number}", "title": f"the {colour} {thing} no {number} for hp"}
        for colour in COLOURS
        for thing in THINGS
        for number in range(4)
    ]
    (folder / "products.jsonl").write_text("\n".join(json.dumps(one) for one in products))
    with (folder / "judgements.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["query", "product_id", "grade"])
        for pattern in ("{c} {t}", "{t} {c}", "a {c} {t}", "{t} in {c}", "usb {c} {t}"):
            for product in products:
                colour, thing, _ = product["id"].split("-")
                for c in COLOURS:
                    grade = 3 if c == colour else 1
                    rows.writerow([pattern.format(c=c, t=thing), product["id"], grade])
    return folder


@pytest.fixture(scope="module")
def trained(shop, tmp_path_factory):
    """A whole fine-tuning of a tiny random model, interrupted by nothing."""
    base = build_model(tmp_path_factory.mktemp("model"))
    out = tmp_path_factory.mktemp("out") / "shop-text"
    spec = run_text(
        SETTINGS,
        FinetuneOptions(
            out=out,
            catalogue=shop / "products.jsonl",
            judgements=shop / "judgements.csv",
            base=str(base),
            epochs=6,
            learning_rate=3e-3,
        ),
    )
    return out, spec


def test_ranking_on_held_out_queries_improves(trained):
    metrics = json.loads((trained[0] / "metrics.json").read_text())
    before, after = metrics["before"], metrics["after"]
    assert after["NDCG@10"] > before["NDCG@10"] + 0.05
    assert after["recall@10"] > before["recall@10"] + 0.2
    losses = metrics["history"]["losses"]
    assert losses[-1]["query to product"] < losses[0]["query to product"]
    assert "First products" in (trained[0] / "report.html").read_text()


def test_the_new_encoder_loads_by_its_path(trained):
    out, spec = trained
    encoder = load_text_encoder(str(out), template="{title}", threads=1)
    assert (encoder.spec.name, encoder.spec.revision) == ("shop-text", spec.revision)
    query, right, wrong = encoder.encode(
        ["red mouse", "the red mouse no 1 for hp", "the black case no 1 for hp"]
    )
    assert query @ right > query @ wrong


def test_a_query_stands_in_one_part_alone(shop):
    grades = read_grades(shop / "judgements.csv")
    known = {name: row for row, name in enumerate(next(iter(grades.values())))}
    for judged in grades.values():
        for name in judged:
            known.setdefault(name, len(known))
    split = split_queries(grades, known, seed=0)
    parts = [set(part) for part in (split.learned, split.stopping, split.held_out)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 60


def test_hard_negatives_are_never_judged_right():
    grades = {"mouse": {"a": 3, "b": 0, "c": 1}, "cable": {"d": 2}}
    texts = ["mouse"] * 40
    known = {"a": 0, "b": 1, "c": 2, "d": 3} | {f"x{n}": n for n in range(4, 40)}
    batches = TextBatches(grades, texts, known, lambda query, size: list(known), size=8, seed=0)
    seen = set()
    for epoch in range(20):
        for batch in batches.epoch(epoch):
            place = batch.queries.index("mouse")
            rows = batch.rows.tolist()
            right = zip(rows, batch.right[place], strict=True)
            assert [row for row, is_right in right if is_right] == [0]
            seen |= set(rows)
            if 2 in rows:
                assert batch.open[place][rows.index(2)]
    assert 1 in seen
    assert seen & set(range(13, 40))
    assert not seen & set(range(4, 10))  # the head of the list may be right


def test_bm25_ranks_rare_words_first():
    bm25 = Bm25(["red usb mouse", "red usb cable", "red shoes", ""])
    assert bm25.first("red mouse", 2) == [0, 2]
    assert bm25.first("unheard", 5) == []
    assert Bm25([]).first("red", 5) == []


def test_figures_by_hand():
    grades = {"q": {"a": 3, "b": 1, "c": 0}, "none": {"a": 0}}
    figures = ranking_figures({"q": ["c", "a", "x"], "none": ["a"]}, grades)
    best = 7 + 1 / math.log2(3)
    assert figures == {
        "NDCG@10": pytest.approx(7 / math.log2(3) / best),
        "recall@10": 0.5,
    }
    assert math.isnan(ranking_figures({}, {})["NDCG@10"])
    assert right_products({"a": 1, "b": 2, "c": 0}) == ["b"]
    assert right_products({"a": 1, "c": 0}) == ["a"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("query,product_id\nq,a\n", "has no column 'grade'"),
        ("query,product_id,grade\nq,a,good\n", "line 2: grade should be .* got 'good'"),
        ("query,product_id,grade\nq,a,11\n", "line 2: grade should be .* got '11'"),
        ("query,product_id,grade\nq,a\n", "line 2: grade should be"),
        (b"\xff\xfe", "is not readable"),
    ],
    ids=["no grade", "a word", "too high", "short row", "no text"],
)
def test_judgements_that_are_not_sound_are_refused(tmp_path, text, message):
    file = tmp_path / "judgements.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InvalidQuery, match=message) as error:
        read_grades(file)
    assert error.value.field == "judgements"


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ("red mouse,unknown,3\n", {}, "0 queries with a right product"),
        ("red mouse,red-mouse-1,3\n", {}, "1 queries with a right product"),
        ("red mouse,red-mouse-1,3\n", {"base": "hashing"}, "base: 'hashing' has nothing to train"),
    ],
    ids=["unknown products", "one query", "no parameters"],
)
def test_nothing_to_learn_is_refused(shop, tmp_path, rows, options, message):
    file = tmp_path / "few.csv"
    file.write_text("query,product_id,grade\n" + rows)
    base = {} if options else {"base": str(build_tiny_model(tmp_path))}
    with pytest.raises(InvalidQuery, match=message):
        run_text(
            SETTINGS,
            FinetuneOptions(
                out=tmp_path / "out",
                catalogue=shop / "products.jsonl",
                judgements=file,
                **base,
                **options,
            ),
        )


@pytest.mark.cluster
def test_hard_negatives_and_products_come_from_the_index(cluster, index_name):
    from indexer.encoders.registry import text_encoder_spec
    from mappings.index_lifecycle import create_index

    spec = text_encoder_spec("hashing", template="{title}", model_directory=".")
    live = create_index(cluster, index_name, {"text_vector": spec})
    for number, title in enumerate(["red usb mouse", "red usb cable", "black shoes"]):
        document = {"product_id": f"p{number}", "title": title}
        cluster.index(index=live.index, id=f"p{number}", document=document)
    cluster.indices.refresh(index=read_alias(index_name))
    find = lookalikes({}, cluster, index_name)
    assert find("red mouse", 5) == ["p0", "p1"]
    assert find("red mouse", 1) == ["p0"]
    # The same products are what is learned from when there is no file; a deleted one is not.
    cluster.update(index=live.index, id="p2", doc={"deleted_at": "2026-01-01"}, refresh=True)
    fields = read_index(cluster, index_name)
    assert [(one["id"], one["title"]) for one in fields] == [
        ("p0", "red usb mouse"),
        ("p1", "red usb cable"),
    ]
