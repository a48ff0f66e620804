"""Publishing over HTTP with the real clients: one commit, and nothing half-published whatever fails."""

from __future__ import annotations

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from modeling_vae.recipes.recipe import Recipe

PUSH = """
from modeling_vae.publishing.repository import push_folder
result = push_folder(folder, repo, token=token, **options).oid
"""
HURRIED = f"""
from outages import hurry
hurry(silent)
{PUSH}
"""
LOAD = """
from modeling_vae import VAEPipeline
result = VAEPipeline.from_pretrained(repo, revision=revision, cache_dir=cache).prior is not None
"""


@pytest.fixture
def push(client, hub, complete, repo):
    def run(folder: Path = complete, token: str | bool | None = None, code: str = PUSH, silent: str = "", **options):
        token = hub.token if token is None else token
        return client.run(code, folder=str(folder), repo=repo, token=token, silent=silent, options=options)

    return run


@pytest.fixture
def changed(complete, tmp_path):
    """Another version of the folder."""
    folder = tmp_path / "changed"
    shutil.copytree(complete, folder)
    (folder / "evaluation.json").write_text('{"protocol": {}}')
    return folder


def files(hub, repo: str, revision: str = "main") -> set[str]:
    return set(hub.repo(repo).resolve(revision).tree) - {".gitattributes"}


def commits(hub, repo: str) -> list[str]:
    return [c.title for c in hub.repo(repo).history(hub.repo(repo).resolve("main"))]


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_whole_folder_goes_in_one_commit_and_the_same_again_in_none(push, hub, complete, repo):
    first = push(commit_message="Cats").value()
    assert files(hub, repo) == names(complete) and commits(hub, repo) == ["Cats", "initial commit"]
    for name in ("model.safetensors", "media/morph.gif", "modeling_image_vae.py"):
        assert hub.read(repo, name) == (complete / name).read_bytes()
    assert push().value() == first and len(commits(hub, repo)) == 2


def test_what_the_model_has_no_more_goes_and_what_people_added_stays(push, hub, complete, repo, tmp_path):
    push().value()
    theirs = {"notes.md": b"mine", "media/banner.png": b"png", "app.py": b"mine", ".eval_results/hle.yaml": b"- a"}
    repository = hub.repo(repo)
    tree = dict(repository.resolve("main").tree) | {name: hub.store.regular(text) for name, text in theirs.items()}
    repository.append("refs/heads/main", tree, "by hand", "", "alice", repository.resolve("main").oid)
    folder = tmp_path / "smaller"
    shutil.copytree(complete, folder)
    for name in ("directions.safetensors", "media/edits.webp", ".eval_results/alice--cats.yaml"):
        (folder / name).unlink()
    push(folder).value()
    assert files(hub, repo) == names(folder) | set(theirs)
    assert len(commits(hub, repo)) == 4


def test_pipeline_pushes_private_to_a_branch_and_by_pull_request(client, hub, complete, repo):
    options = {"folder": str(complete), "repo": repo, "token": hub.token}
    client.run(
        """
        from modeling_vae import VAEPipeline
        pipe = VAEPipeline.from_pretrained(folder)
        pipe.push_to_hub(repo, private=True, revision="dev", commit_message="First", token=token)
        pipe.directions = None
        result = pipe.push_to_hub(repo, create_pr=True, token=token).pr_revision
        """,
        **options,
    ).value()
    repository = hub.repo(repo)
    assert repository.private and files(hub, repo) == set()
    # the code is that of this version, the rest is the folder's
    assert files(hub, repo, "dev") == names(complete) and repository.resolve("dev").title == "First"
    assert files(hub, repo, "refs/pr/1") == names(complete) - {"directions.safetensors"}
    card = hub.read(repo, "README.md", "dev").decode()
    assert f'VAEPipeline.from_pretrained("{repo}")' in card and "smiling" not in hub.read(
        repo, "README.md", "refs/pr/1"
    ).decode().replace("smiling: boolean", "")


def test_a_pipeline_from_the_hub_takes_its_card_and_films_along(client, hub, push, complete, repo, tmp_path):
    push().value()
    client.run(
        """
        from modeling_vae import VAEPipeline
        pipe = VAEPipeline.from_pretrained(repo, cache_dir=cache, token=token)
        result = pipe.push_to_hub(repo + "-copy", token=token).oid
        """,
        repo=repo,
        token=hub.token,
        cache=tmp_path,
    ).value()
    assert files(hub, f"{repo}-copy") == names(complete)


def test_a_recipe_that_extends_another_goes_whole(client, push, hub, complete, repo, tmp_path):
    """As the bundled ones do: what it extends lies beside its folder, and in no repository."""
    extending = shutil.copytree(complete, tmp_path / "extending")
    (tmp_path / "base").mkdir()
    (extending / "recipe.yaml").rename(tmp_path / "base" / "recipe.yaml")
    (extending / "recipe.yaml").write_text("extends: ../base\ntraining: {max_steps: 4}\n")
    client.run(
        "from modeling_vae import VAEPipeline\n"
        "VAEPipeline.from_pretrained(folder).push_to_hub(repo + '-copy', token=token)\nresult = None",
        folder=str(extending),
        repo=repo,
        token=hub.token,
    ).value()
    push(extending).value()
    for name in (repo, f"{repo}-copy"):
        (tmp_path / "pushed.yaml").write_bytes(hub.read(name, "recipe.yaml"))
        assert Recipe.read(tmp_path / "pushed.yaml") == Recipe.read(extending)
    (tmp_path / "base" / "recipe.yaml").write_text(f"publish: {{title: hf_{'a' * 34}}}")
    assert push(extending).error.startswith("ValueError: recipe.yaml holds what looks like an access token")


def test_an_existing_repository_must_be_as_private_as_asked(push, hub, repo):
    push().value()
    found = push(private=True)
    assert found.error == (
        f"ValueError: {repo} exists and is public: change that in its settings on the Hub, or leave out private=True."
    )


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        (lambda f: (f / "config.json").unlink(), "FileNotFoundError: .* has no config.json"),
        (lambda f: (f / "model.safetensors").unlink(), "FileNotFoundError: .* has no model.safetensors"),
        (lambda f: (f / "preprocessor_config.json").unlink(), "FileNotFoundError: .* has no preprocessor_config.json"),
        (lambda f: (f / "model.safetensors").write_bytes(b"short"), "ValueError: .*damaged"),
        (lambda f: (f / "README.md").write_bytes("é".encode("utf-16")), "ValueError: .*README.md is no UTF-8 text"),
        (lambda f: (f / "README.md").write_bytes(b"caf\xe9"), "ValueError: .*README.md is no UTF-8 text"),
        (
            lambda f: (f / "recipe.yaml").write_text(f"publish: {{title: hf_{'a' * 34}}}"),
            "ValueError: recipe.yaml holds .* token",
        ),
    ],
)
def test_an_incomplete_folder_is_refused_before_anything_is_sent(push, hub, complete, tmp_path, damage, error):
    folder = tmp_path / "damaged"
    shutil.copytree(complete, folder)
    damage(folder)
    assert re.match(error, push(folder).error)
    assert hub.log() == []


def test_the_code_joins_the_weights_on_the_way(push, hub, complete, repo, tmp_path):
    """A folder without code, such as a bundled one, makes a whole repository; that of another version is replaced."""
    bare = shutil.copytree(complete, tmp_path / "bare", ignore=shutil.ignore_patterns("*.py", "requirements.txt"))
    (bare / "hub_files.py").write_text("# of a former version\n")
    (bare / "elbo.py").write_text("# of a former version\n")
    push(bare).value()
    assert files(hub, repo) == names(complete)
    assert hub.read(repo, "elbo.py") == (complete / "elbo.py").read_bytes()


def test_who_may_not_write_is_told_so(push, hub, changed, repo):
    for token in (False, "hf_wrong"):
        assert push(token=token).error.startswith("PermissionError: the Hub wants to know who you are")
    for token in (hub.read_token, hub.other_token):
        assert push(token=token).error.startswith(f"PermissionError: this token may not write to {repo}")
    assert ("model", repo) not in hub.store.repos
    push().value()
    before = hub.repo(repo).resolve("main")
    for token in (False, "hf_wrong", hub.read_token, hub.other_token):
        assert push(changed, token=token).error.startswith("PermissionError: ")
    for token in ("", f"{hub.token}\n"):
        assert push(token=token).error.startswith("ValueError: the token given is empty or has characters")
    assert hub.repo(repo).resolve("main") == before


def test_the_token_in_use_is_found_whatever_its_form(push, hub, complete, tmp_path):
    folder = shutil.copytree(complete, tmp_path / "telling")
    (folder / "media").mkdir(exist_ok=True)
    (folder / "media" / "a.png").write_bytes(b"\x89PNG, and the key is under-the-mat")
    assert push(folder, token="under-the-mat").error.startswith(
        "ValueError: media/a.png holds what looks like an access"
    )


def test_a_pull_request_is_updated_and_none_is_made_up(push, hub, complete, changed, repo):
    push().value()
    push(changed, create_pr=True, token=hub.other_token).value()
    (changed / "evaluation.json").write_text("{}")
    push(changed, revision="refs/pr/1", token=hub.other_token).value()
    assert hub.read(repo, "evaluation.json", "refs/pr/1") == b"{}" and len(commits(hub, repo)) == 2
    assert push(changed, revision="refs/pr/9").error.startswith(f"FileNotFoundError: {repo} has no revision")
    assert "refs/heads/refs/pr/9" not in hub.repo(repo).refs


def test_a_pull_request_to_nowhere_is_refused(push):
    assert push(create_pr=True).error.startswith("FileNotFoundError: the Hub shows no model")


@pytest.mark.parametrize("place", ["*/preupload/*", "*/info/lfs/objects/batch", "/_upload/*", "*/commit/*"])
@pytest.mark.parametrize("status", [500, 503])
def test_a_failure_that_passes_is_waited_out(push, hub, changed, repo, place, status):
    (changed / "media/samples.webp").write_bytes(repo.encode())  # a large file that the Hub has not seen
    failure = hub.fault(place, status=status)
    push(changed, code=HURRIED).value()
    assert failure.times == 0
    assert files(hub, repo) == names(changed) and len(commits(hub, repo)) == 2


@pytest.mark.parametrize("place", ["*/preupload/*", "/_upload/*", "*/commit/*"])
def test_a_failure_that_stays_publishes_nothing(push, hub, changed, repo, place):
    push().value()
    (changed / "media/samples.webp").write_bytes(repo.encode())  # a large file, as the server sees it
    before = hub.repo(repo).resolve("main")
    hub.fault(place, status=503, times=99)
    found = push(changed, code=HURRIED)
    assert found.error == (f"ConnectionError: the Hub cannot be reached for {repo} (status 503): try again later.")
    assert hub.repo(repo).resolve("main") == before
    hub.clear()
    assert push(changed).value() != before.oid


def test_a_commit_whose_answer_is_lost_is_made_once(push, hub, complete, repo):
    loss = hub.fault("*/commit/*", cut=0)
    push(code=HURRIED).value()
    assert loss.times == 0
    assert files(hub, repo) == names(complete) and len(commits(hub, repo)) == 2


def test_a_pull_request_whose_answer_is_lost_is_not_opened_twice(push, hub, changed, repo):
    push().value()
    hub.fault("*/commit/*", cut=0)
    found = push(changed, create_pr=True)
    assert f"look at {repo} first" in found.error and len(hub.repo(repo).pull_requests) == 1


@pytest.mark.parametrize("place", ["*", "*/commit/*"])
def test_a_hub_that_never_answers_is_given_up(push, hub, repo, place):
    hub.fault(place, dead=True, times=99)
    found = push(code=HURRIED, silent=place)
    assert found.error.startswith("ConnectionError: the Hub cannot be reached") and "ReadTimeout" in found.error


def test_two_pushes_at_once_follow_each_other_whole(push, hub, complete, changed, repo):
    with ThreadPoolExecutor() as threads, hub.hold("*/commit/*") as held:
        first = threads.submit(push, code=HURRIED)
        held.arrived()  # the first waits at its commit while the second comes through
        push(changed).value()
        held.release()
        first.result().value()
    history = list(hub.repo(repo).history(hub.repo(repo).resolve("main")))
    assert len(history) == 3
    states = [hub.read(repo, "evaluation.json", commit.oid) for commit in history[:2]]
    assert set(states) == {(complete / "evaluation.json").read_bytes(), (changed / "evaluation.json").read_bytes()}
    assert all(files(hub, repo, commit.oid) == names(complete) for commit in history[:2])
    assert [item.status for item in hub.log() if item.endpoint == "commit"].count(412) == 1


def test_a_reader_sees_the_old_state_until_the_new_one_is_whole(client, hub, push, changed, repo, tmp_path):
    def load(revision: str | None = None) -> list[str]:
        return client.run(LOAD, repo=repo, revision=revision, cache=tmp_path / "cache").value()

    first = push().value()
    (changed / "prior.safetensors").unlink()
    with ThreadPoolExecutor() as threads, hub.hold("*/commit/*") as held:
        writer = threads.submit(push, changed)
        held.arrived()
        during = load()
        held.release()
        writer.result().value()
    found = [during, load(), load(first)]
    assert found == [True, False, True]


def test_words_in_the_card_on_the_hub_survive(push, hub, complete, repo):
    push().value()
    text = hub.read(repo, "README.md").decode().replace("license: apache-2.0", "license: mit")
    text = text.replace("For play, art, teaching and research", "For my cat") + "\n## Thanks\n\nTo all.\n"
    repository = hub.repo(repo)
    tree = dict(repository.resolve("main").tree) | {"README.md": hub.store.regular(text.encode())}
    repository.append("refs/heads/main", tree, "by hand", "", "alice", repository.resolve("main").oid)
    push().value()
    now = hub.read(repo, "README.md").decode()
    assert "license: mit" in now and "For my cat" in now and now.endswith("## Thanks\n\nTo all.\n")
    before, after = (
        [line for line in card.split("\n") if line and "generated: metadata" not in line] for card in (text, now)
    )
    assert before == after
    assert len(commits(hub, repo)) == 4
    push().value()
    assert len(commits(hub, repo)) == 4
