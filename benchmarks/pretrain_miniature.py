"""Pretrain the miniature: a Stable Diffusion pipeline at 32x32, on public images.

Three phases, each kept in the work folder and skipped when it is found there: the autoencoder, the
latents and token ids of every image, then text encoder and U-Net together. The pipeline is saved to
the output folder, in the diffusers format, whenever a snapshot is due. Run the same command again
to go on where it stopped (the optimizer starts afresh). Under ``torchrun`` several processes share
the work.
"""

import argparse
import copy
import json
import logging
import shutil
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from miniature import autoencoder as ae
from miniature import diffusion, images, networks, tokens
from miniature.progress import Budget
from miniature.recipes import RECIPES, Recipe
from miniature.superclasses import SUPERCLASSES
from miniature.workers import Workers
from safetensors.torch import load_file, save_file
from tckr_plugins.captioners.attributes import describe_images
from transformers import CLIPTokenizer

LOG = logging.getLogger("miniature")
HELD_OUT = 1000


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", choices=sorted(RECIPES), help="which miniature")
    parser.add_argument("--fashion", type=Path, help="folder of the idx .gz files, where the recipe has it")
    parser.add_argument("--colour", type=Path, required=True, help="folder of the parquet files")
    parser.add_argument("--work", type=Path, required=True, help="folder for phases and states")
    parser.add_argument("--output", type=Path, required=True, help="folder of the pipeline")
    parser.add_argument("--autoencoder-images", type=int, default=100_000)
    parser.add_argument("--autoencoder-seconds", type=float, default=1e9)
    parser.add_argument("--diffusion-images", type=int, default=350_000)
    parser.add_argument("--diffusion-seconds", type=float, default=1e9)
    parser.add_argument("--batch-size", type=int, default=128, help="of the diffusion phase")
    parser.add_argument("--snapshot-seconds", type=float, default=240.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def write_json(path: Path, content: object) -> None:
    """Write ``content`` as JSON."""
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def make_autoencoder(options: argparse.Namespace, public: images.PublicImages, workers: Workers) -> AutoencoderKL:
    """Load the autoencoder of the work folder, or train it; normalise its latents."""
    folder = options.work / "autoencoder"
    if (folder / "measurements.json").exists():
        return AutoencoderKL.from_pretrained(folder)
    recipe = RECIPES[options.recipe]
    model = networks.build_autoencoder(recipe)
    wanted = options.autoencoder_images
    order = images.draw_mixture(public.sources, recipe.shares, wanted, options.seed)
    budget = Budget(images=wanted, seconds=options.autoencoder_seconds)
    generator = torch.Generator().manual_seed(options.seed + workers.rank)
    half = recipe.half_autoencoder
    losses = ae.train_autoencoder(model, public.pixels, order, budget, generator, workers, half=half)
    ae.normalise_latents(model, ae.to_tensor(public.pixels[order[:2000]]))
    if workers.is_first:
        save_autoencoder(model, public, budget, losses, folder)
    return model


def save_autoencoder(
    model: AutoencoderKL,
    public: images.PublicImages,
    budget: Budget,
    losses: dict[str, float],
    folder: Path,
) -> None:
    """Save the autoencoder and what is known of it."""
    model.save_pretrained(folder)
    measurements = {"images": budget.seen, "seconds": budget.elapsed(), "losses": losses}
    write_json(folder / "measurements.json", {**measurements, **measure_sources(model, public)})


def measure_sources(model: AutoencoderKL, public: images.PublicImages) -> dict[str, dict[str, float]]:
    """Measure the reconstruction of the last images of each source."""
    named = {"fashion": images.FASHION, "colour": images.COLOUR, "digits": images.DIGITS}
    return {
        name: ae.measure_reconstruction(model, public.pixels[public.sources == source][-HELD_OUT:])
        for name, source in named.items()
        if (public.sources == source).any()
    }


def add_mirrored(public: images.PublicImages) -> images.PublicImages:
    """Append every colour image mirrored; clothes and digits have a right way round."""
    colour = np.flatnonzero(public.sources == images.COLOUR)
    return images.PublicImages(
        pixels=np.concatenate([public.pixels, public.pixels[colour, :, ::-1]]),
        class_names=[*public.class_names, *(public.class_names[index] for index in colour)],
        sources=np.concatenate([public.sources, public.sources[colour]]),
    )


def describe_pretraining(public: images.PublicImages) -> dict[str, object]:
    """Describe what the weights have seen, in the form that the generator reads."""
    named = [f"{(public.sources == source).sum():,} {text}" for source, text in images.DESCRIPTIONS.items()]
    colour = [name for name, source in zip(public.class_names, public.sources, strict=True) if source == images.COLOUR]
    return {
        "source": " and ".join(text for text in named if not text.startswith("0 ")),
        "known": True,
        "classes": sorted(set(public.class_names)),
        "images_of": {"cifar100": sorted(set(colour))},
    }


def make_tokenizer(options: argparse.Namespace, prompts: list[str]) -> CLIPTokenizer:
    """Load the tokenizer of the work folder, or train it on ``prompts``."""
    folder = options.work / "tokenizer"
    if not (folder / "merges.txt").exists():
        length = RECIPES[options.recipe].maximum_length
        tokens.save_tokenizer(tokens.build_tokenizer(prompts, length), folder)
    return CLIPTokenizer.from_pretrained(folder)


def make_corpus(
    options: argparse.Namespace, public: images.PublicImages, model: AutoencoderKL
) -> tuple[diffusion.Corpus, CLIPTokenizer]:
    """Load the cached latents and token ids, or compute them."""
    path = options.work / "corpus.safetensors"
    if path.exists():
        return diffusion.Corpus(**load_file(path)), make_tokenizer(options, [])
    kinds = write_prompts(public)
    tokenizer = make_tokenizer(options, [*kinds[0], *kinds[2]])
    length = tokenizer.model_max_length
    shares = RECIPES[options.recipe].prompt_shares
    encoded = [
        tokenizer(kind, padding="max_length", truncation=True, max_length=length, return_tensors="pt").input_ids
        for kind in kinds
    ]
    corpus = diffusion.Corpus(
        latents=ae.encode_images(model, public.pixels).half(),
        prompts=torch.stack(encoded),
        prompt_shares=torch.tensor([*shares, 1.0 - sum(shares)]),
        signal_shares=networks.build_scheduler().alphas_cumprod.clone(),
    )
    save_file(vars(corpus), path)
    return corpus, tokenizer


def write_prompts(public: images.PublicImages) -> list[list[str]]:
    """Write the prompts of every image, kind by kind as in `Recipe.prompt_shares`, then the empty ones."""
    captions = describe_images(public.pixels)
    groups = [SUPERCLASSES.get(name, name) for name in public.class_names]
    return [
        [f"{name}: {caption}" for name, caption in zip(public.class_names, captions, strict=True)],
        public.class_names,
        [f"{name}: {caption}" for name, caption in zip(groups, captions, strict=True)],
        groups,
        [""] * len(groups),
    ]


def clean_up(folder: Path) -> None:
    """Drop the paths that ``diffusers`` writes into configurations; make every file readable."""
    for path in folder.rglob("*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("_name_or_path", None) is not None:
            write_json(path, content)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def save_pipeline(
    average: diffusion.Average, vae: AutoencoderKL, tokenizer: CLIPTokenizer, output: Path, recipe: Recipe
) -> None:
    """Replace the folder ``output`` by the averaged pipeline; keep its model card."""
    fresh, stale = output.with_name(f".{output.name}.new"), output.with_name(f".{output.name}.old")
    for folder in (fresh, stale):
        shutil.rmtree(folder, ignore_errors=True)
    parts = [vae, average.module.text_encoder, average.module.unet]
    if recipe.half_files:
        parts = [copy.deepcopy(part).to(torch.float16) for part in parts]
    networks.assemble_pipeline(parts[0], parts[1], tokenizer, parts[2]).save_pretrained(fresh)
    tokens.save_tokenizer(tokenizer, fresh / "tokenizer")
    clean_up(fresh)
    if output.exists():
        for card in output.glob("README.md"):
            shutil.copy2(card, fresh)
        output.rename(stale)
    fresh.rename(output)
    shutil.rmtree(stale, ignore_errors=True)


def train_diffusion(
    options: argparse.Namespace,
    corpus: diffusion.Corpus,
    sources: images.Sources,
    vae: AutoencoderKL,
    tokenizer: CLIPTokenizer,
    workers: Workers,
) -> None:
    """Train text encoder and U-Net, from the last state in the work folder if there is one."""
    recipe = RECIPES[options.recipe]
    model = diffusion.Denoiser(networks.build_text_encoder(tokenizer, recipe), networks.build_unet(recipe))
    average = diffusion.Average(model)
    budget = Budget(images=options.diffusion_images, seconds=options.diffusion_seconds)
    state, measurements = options.work / "denoiser.safetensors", options.work / "denoiser.json"
    if state.exists() and measurements.exists():
        model.load_state_dict(load_file(state))
        average.module.load_state_dict(load_file(options.work / "average.safetensors"))
        counts = json.loads(measurements.read_text(encoding="utf-8"))
        budget.seen, budget.spent_before = counts["images"], counts["seconds"]

    def snapshot(loss: float) -> None:
        if not workers.is_first:
            return
        save_file(model.state_dict(), state)
        save_file(average.module.state_dict(), options.work / "average.safetensors")
        counts = {"images": budget.seen, "seconds": budget.elapsed(), "loss": loss}
        write_json(measurements, counts)
        save_pipeline(average, vae, tokenizer, options.output, recipe)
        LOG.info("saved %s", counts)

    order = images.draw_mixture(sources, recipe.shares, budget.images, options.seed + 1)
    seed = options.seed + budget.seen + workers.rank
    generator = torch.Generator().manual_seed(seed)
    diffusion.train_denoiser(
        model,
        average,
        corpus,
        order,
        budget,
        generator,
        workers,
        options.batch_size,
        snapshot,
        options.snapshot_seconds,
    )


def main() -> None:
    """Run the three phases."""
    options = parse_arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    workers = Workers()
    options.work.mkdir(parents=True, exist_ok=True)
    public = images.read_public(options.fashion, options.colour, RECIPES[options.recipe].shares)
    vae = make_autoencoder(options, public, workers).eval()
    mirrored = add_mirrored(public)
    if workers.is_first:
        make_corpus(options, mirrored, vae)
    workers.wait()
    corpus, tokenizer = make_corpus(options, mirrored, vae)
    train_diffusion(options, corpus, mirrored.sources, vae, tokenizer, workers)
    if workers.is_first:
        write_json(options.output / "pretraining.json", describe_pretraining(public))


if __name__ == "__main__":
    main()
