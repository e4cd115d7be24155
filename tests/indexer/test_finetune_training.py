"""A tiny shop is fine-tuned for real: losses fall, a killed run goes on, the folder loads."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")
import torch
from click.testing import CliRunner
from PIL import Image

from indexer.encoders.image_registry import (
    image_encoder_spec,
    load_query_image_encoder,
)
from indexer.encoders.registry import load_text_encoder
from indexer.finetune.bases import COLOUR_WIDTH, open_base
from indexer.finetune.commands import finetune
from indexer.finetune.figures import OWN_PHOTO, WORDS_COLOUR, WORDS_KIND
from indexer.finetune.options import FinetuneOptions
from indexer.finetune.photo_command import run_photos, with_photos
from indexer.finetune.photo_files import Photos, read_photos
from indexer.finetune.photo_training import train_photos
from indexer.finetune.shop_products import ShopProduct
from indexer.finetune.training import TrainingSettings
from indexer.images.addresses import AddressPolicy
from indexer.images.fetcher import FetchLimits, ImageFetcher
from indexer.settings import IndexerSettings
from indexer.towers.preprocessing import fit, preprocess
from indexer.towers.tower import load_tower
from mappings.errors import EncoderMismatch, InvalidQuery
from mappings.index_lifecycle import LiveIndex
from service.query_encoders import QueryEncoders
from service.settings import ServiceSettings
from tests.indexer.finetune_shop import (
    COLOURS,
    KINDS,
    SIDE,
    TEXT_ENCODER,
    draw,
    write_shop,
    write_tower,
)

pytestmark = pytest.mark.models

SETTINGS = IndexerSettings.from_environment({"SHELFWISE_TEXT_ENCODER": TEXT_ENCODER})


class Silent:
    """Counts steps, and stops like Ctrl-C or a crash after some."""

    def __init__(self, *, stop_after: int | None = None, error: type[BaseException] = OSError):
        self.stop_after = stop_after
        self.error = error
        self.steps = 0

    def stage(self, text):
        pass

    def counted(self, done, of):
        pass

    def trained(self, progress):
        self.steps += 1
        if self.steps == self.stop_after:
            raise self.error("stopped by the test")


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Networks this small wait for each other's threads longer than they compute."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def tower(tmp_path_factory):
    return write_tower(tmp_path_factory.mktemp("base") / "tower")


@pytest.fixture(scope="module")
def trained(tower, tmp_path_factory):
    """A whole fine-tuning by the function behind the command, and what it left."""
    folder = tmp_path_factory.mktemp("shop")
    catalogue = write_shop(folder / "catalogue", products=150)
    out = folder / "new"
    spec = run_photos(
        SETTINGS,
        FinetuneOptions(
            out=out, catalogue=catalogue, base=str(tower), epochs=10, batch_size=16, seed=1
        ),
    )
    return out, spec


def test_figures_on_products_held_out_rise(trained):
    metrics = json.loads((trained[0] / "metrics.json").read_text())
    before, after = metrics["before"], metrics["after"]
    for name in (WORDS_KIND, WORDS_COLOUR, OWN_PHOTO):
        assert after[name] > before[name] + 0.1, name


def test_every_loss_falls(trained):
    losses = json.loads((trained[0] / "metrics.json").read_text())["history"]["losses"]
    assert set(losses[0]) == {"titles", "phrases", "photos", "kind", "colour"}
    for name in losses[0]:
        assert losses[-1][name] < losses[0][name], name


def test_a_tower_without_colours_has_learned_from_them(trained, tower):
    assert not load_tower(tower).config.colour_width
    learned = load_tower(trained[0])
    assert learned.config.colour_width == COLOUR_WIDTH
    assert learned.projection.weight[:, -COLOUR_WIDTH:].abs().max() > 0


def test_the_folder_loads_by_its_path_and_finds_photos_by_words(trained, tmp_path):
    out, spec = trained
    assert image_encoder_spec(str(out), model_directory=tmp_path) == spec
    assert not (out / ".work").exists()
    encoder = load_query_image_encoder(str(out), model_directory=tmp_path)
    words = load_text_encoder(TEXT_ENCODER, template="{title}")
    assert encoder.spec.text_space == words.spec.revision
    generator = np.random.default_rng(9)
    names = [(kind, colour) for kind in KINDS for colour in COLOURS]
    photos = encoder.encode_images([draw(kind, colour, generator) for kind, colour in names])
    cosines = words.encode([f"{colour} {kind}" for kind, colour in names]) @ photos.T
    nearest = cosines.argmax(axis=1)
    right = [names[row][1] == colour for row, (_, colour) in zip(nearest, names, strict=True)]
    assert np.mean(right) >= 0.75


def test_a_service_that_names_the_folder_knows_the_index_that_it_filled(trained, tmp_path):
    out, spec = trained
    index = LiveIndex("shop", "shop-v1", {"image_vector": spec})
    models = {"SHELFWISE_MODEL_DIRECTORY": str(tmp_path)}
    named = {**models, "SHELFWISE_IMAGE_ENCODER": str(out)}
    encoders = QueryEncoders(ServiceSettings.from_environment(named))
    assert encoders.require(index) is index
    assert encoders.photos(index).spec == spec
    with pytest.raises(EncoderMismatch, match="not here"):
        QueryEncoders(ServiceSettings.from_environment(models)).require(index)


def test_what_is_served_is_what_was_trained(trained):
    out, _ = trained
    image = draw("circles", "red", np.random.default_rng(3))
    model = load_tower(out)
    with torch.inference_mode():
        expected = model(torch.from_numpy(preprocess([image], SIDE)))[0].numpy()
    encoder = load_query_image_encoder(str(out), model_directory=out)
    cosine = float(encoder.encode_images([image])[0] @ expected / np.linalg.norm(expected))
    assert cosine > 0.9999


def test_the_report_is_one_file_with_curves_and_photos(trained):
    text = (trained[0] / "report.html").read_text()
    assert text.count("<svg") == 2
    assert "data:image/jpeg;base64," in text
    assert "http:" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "<script" not in text


def prepared(folder, tower):
    """Return what `train_photos` takes, from a drawn shop without files in between."""
    generator = np.random.default_rng(0)
    products, images = [], []
    for number in range(60):
        kind, colour = KINDS[number % 3], list(COLOURS)[number // 3 % 3]
        products.append(
            ShopProduct(f"p{number}", f"p{number}", f"{colour} {kind} {number}", kind, colour)
        )
        images.append(fit(draw(kind, colour, generator), SIDE))
    photos = Photos(np.stack(images), np.arange(60), ())
    base = open_base(
        str(tower),
        load_words=lambda: load_text_encoder(TEXT_ENCODER, template="{title}"),
        seed=0,
    )
    return products, photos, base


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError], ids=["ctrl-c", "crash"])
def test_a_resumed_training_equals_an_uninterrupted_one(tower, tmp_path, monkeypatch, error):
    monkeypatch.setattr("indexer.finetune.trainer.CHECKPOINT_SECONDS", -1.0)
    settings = TrainingSettings(epochs=3, batch_size=8, accumulate=2)
    products, photos, base = prepared(tmp_path, tower)
    whole = train_photos(
        products, photos, base, settings, folder=tmp_path / "whole", watcher=Silent()
    )
    products, photos, base = prepared(tmp_path, tower)
    folder = tmp_path / "halves"
    with pytest.raises(error):
        train_photos(
            products,
            photos,
            base,
            settings,
            folder=folder,
            watcher=Silent(stop_after=5, error=error),
        )
    products, photos, base = prepared(tmp_path, tower)
    rest = Silent()
    halves = train_photos(
        products, photos, base, settings, folder=folder, watcher=rest, resume=True
    )
    assert rest.steps < whole.result.steps == halves.result.steps
    assert halves.after == whole.after
    assert halves.result.history == whole.result.history
    for name, value in whole.model.state_dict().items():
        assert torch.equal(halves.model.state_dict()[name], value), name


def test_a_checkpoint_of_another_training_is_refused(tower, tmp_path):
    settings = TrainingSettings(epochs=1, batch_size=16)
    products, photos, base = prepared(tmp_path, tower)
    train_photos(products, photos, base, settings, folder=tmp_path, watcher=Silent())
    with pytest.raises(InvalidQuery, match="resume: checkpoint.pt is of other products"):
        train_photos(
            products,
            photos,
            base,
            replace(settings, batch_size=8),
            folder=tmp_path,
            watcher=Silent(),
            resume=True,
        )
    (tmp_path / "checkpoint.pt").write_bytes(b"no checkpoint")
    with pytest.raises(InvalidQuery, match="not a checkpoint that can be read"):
        train_photos(
            products, photos, base, settings, folder=tmp_path, watcher=Silent(), resume=True
        )


def test_a_photo_that_cannot_be_read_costs_only_itself(tmp_path):
    Image.new("RGB", (5, 5)).save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing more")
    products = [
        ShopProduct("a", "a", "A", photos=("good.png", "bad.png")),
        ShopProduct("b", "b", "B", photos=("none.png", "../good.png")),
        ShopProduct("c", "c", "C", photos=("good.png",)),
    ]
    fetcher = ImageFetcher(AddressPolicy(), FetchLimits(), file_directory=tmp_path)
    photos = read_photos(
        products,
        fetcher,
        tmp_path / "work",
        size=8,
        prepare=lambda image: fit(image, 8),
        max_pixels=1_000,
    )
    assert photos.products.tolist() == [0, 2]
    assert sum(count for _, count in photos.problems) == 3
    kept, renumbered = with_photos(products, photos)
    assert [one.id for one in kept] == ["a", "c"]
    assert renumbered.products.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": None}, "none of its 4 products has images"),
        ({"title": None}, "none of its 4 products has title"),
        ({"images": ["photos/none.png"]}, "none of its 4 photos could be read: 4 x not_found"),
        ({"parent_id": "one"}, "1 products with a title and a photo"),
    ],
    ids=["no photos", "no titles", "photos are not there", "one product"],
)
def test_a_catalogue_to_learn_nothing_from_is_refused(tower, tmp_path, change, message):
    catalogue = write_shop(tmp_path / "shop", products=4)
    lines = []
    for line in catalogue.read_text().splitlines():
        product = {**json.loads(line), **change}
        lines.append(json.dumps({name: value for name, value in product.items() if value}))
    catalogue.write_text("\n".join(lines))
    options = FinetuneOptions(
        out=tmp_path / "out", catalogue=catalogue, map_name="identity", base=str(tower)
    )
    with pytest.raises(InvalidQuery, match=message):
        run_photos(SETTINGS, options)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "x"], "name the products"),
        (["--out", "x", "--catalogue", "C", "--what", "text"], "belong together"),
        (["--out", "x", "--catalogue", "C", "--minutes", "0"], "--minutes"),
    ],
    ids=["no products", "text without judgements", "no time"],
)
def test_options_that_do_not_fit_are_refused(tmp_path, arguments, message):
    (tmp_path / "C").touch()
    names = [str(tmp_path / one) if one == "C" else one for one in arguments]
    result = CliRunner().invoke(finetune, names)
    assert result.exit_code == 2
    assert message in result.output


@pytest.mark.parametrize("name", ["spec.json", "holiday.jpg"], ids=["an encoder", "other files"])
def test_a_folder_in_use_is_not_overwritten(tower, tmp_path, name):
    out = tmp_path / "out"
    out.mkdir()
    (out / name).write_text("{}")
    options = FinetuneOptions(out=out, catalogue=tmp_path / "none.jsonl", base=str(tower))
    with pytest.raises(InvalidQuery, match="out: ") as error:
        run_photos(SETTINGS, options)
    assert error.value.field == "out"
    assert (out / name).read_text() == "{}"
