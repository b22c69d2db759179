# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the GitHub of tests answers at each path of its API."""

import base64
import re
from typing import Any

from tests.fakes.git_server import git
from tests.fakes.github_kept import Asked, Refused, route

AT = "2026-01-31T09:00:00Z"
_REPO = "/repos/{owner}/{name}"


@route("GET", _REPO)
def _repository(asked: Asked) -> Any:
    name = f"{asked.names['owner']}/{asked.names['name']}"
    url = f"{asked.server.url}/{name}"
    return {"full_name": name, "default_branch": "main", "private": name in asked.server.private, "html_url": url,
            "clone_url": f"{url}.git", "description": None, "archived": False, "open_issues_count": 0}  # fmt: skip


@route("GET", f"{_REPO}/issues")
def _issues(asked: Asked) -> Any:
    query = asked.take("state", "labels", "since")
    state = query.get("state", "open")
    return [each for each in reversed(asked.server.issues) if state == "all" or each["state"] == state]


@route("GET", f"{_REPO}/issues/{{number}}")
def _issue(asked: Asked) -> Any:
    return asked.issue()


@route("POST", f"{_REPO}/issues")
def _new_issue(asked: Asked) -> Any:
    return _add(asked, asked.fields("Issue", {"title": str}, body=str, labels=list, assignees=list))


@route("PATCH", f"{_REPO}/issues/{{number}}")
def _change_issue(asked: Asked) -> Any:
    body = asked.fields("Issue", {}, title=str, body=str, state=str, labels=list, assignees=list)
    issue = asked.issue()
    issue.update({**body, "labels": [{"name": name} for name in body.get("labels", [])]})
    return issue


def _add(asked: Asked, body: dict[str, Any], **more: Any) -> Any:
    number = len(asked.server.issues) + 1
    made = {"number": number, "state": "open", "user": {"login": "ada"}, "comments": 0, "created_at": AT, **body,
            "labels": [{"name": name} for name in body.get("labels", [])],
            "assignees": [{"login": name} for name in body.get("assignees", [])],
            "html_url": f"{asked.server.url}/issues/{number}", **more}  # fmt: skip
    asked.server.issues.append(made)
    return made


@route("GET", f"{_REPO}/issues/{{number}}/comments")
def _comments(asked: Asked) -> Any:
    asked.take()
    return asked.server.comments.get(asked.issue()["number"], [])


@route("POST", f"{_REPO}/issues/{{number}}/comments")
def _new_comment(asked: Asked) -> Any:
    body, issue = asked.fields("IssueComment", {"body": str}), asked.issue()
    kept = asked.server.comments.setdefault(issue["number"], [])
    kept.append({"id": len(kept) + 1, "user": {"login": "ada"}, "created_at": AT, "html_url": "x", **body})
    return kept[-1]


@route("GET", "/search/issues")
def _search(asked: Asked) -> Any:
    query = asked.take("q")
    if not query.get("q"):
        raise Refused(422, "Validation Failed", [{"resource": "Search", "field": "q", "code": "missing"}])
    found = [each for each in asked.server.issues if query["q"].split()[-1] in each["title"]]
    return {"total_count": len(found), "incomplete_results": False, "items": found}


@route("GET", f"{_REPO}/branches")
def _branches(asked: Asked) -> Any:
    asked.take()
    told = git(asked.place, "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads").splitlines()
    return [
        {"name": n, "commit": {"sha": sha}, "protected": False} for n, _, sha in (each.partition(" ") for each in told)
    ]


@route("GET", f"{_REPO}/git/ref/heads/{{path}}")
def _ref(asked: Asked) -> Any:
    branch = asked.names["path"]
    try:
        sha = git(asked.place, "rev-parse", "--verify", "-q", f"refs/heads/{branch}")
    except AssertionError:
        raise Refused(404, "Not Found") from None
    return {"ref": f"refs/heads/{branch}", "object": {"type": "commit", "sha": sha}}


@route("POST", f"{_REPO}/git/refs")
def _new_ref(asked: Asked) -> Any:
    body = asked.fields("Reference", {"ref": str, "sha": str})
    if not body["ref"].startswith("refs/heads/") or not re.fullmatch("[0-9a-f]{40}", body["sha"]):
        raise Refused(422, "Reference name or sha is not valid")
    if git(asked.place, "for-each-ref", body["ref"]):
        raise Refused(422, "Reference already exists")
    git(asked.place, "update-ref", body["ref"], asked.commit(body["sha"]))
    return {"ref": body["ref"], "object": {"type": "commit", "sha": body["sha"]}}


def _commit_of(asked: Asked, sha: str) -> dict[str, Any]:
    told = git(asked.place, "show", "-s", "--format=%H%x00%an%x00%aI%x00%P%x00%B", sha).split("\0")
    return {"sha": told[0], "commit": {"message": told[4].strip(), "author": {"name": told[1], "date": told[2]}},
            "parents": [{"sha": parent} for parent in told[3].split()],
            "html_url": f"{asked.server.url}/commit/{sha}"}  # fmt: skip


def _files_of(asked: Asked, before: str, after: str) -> list[dict[str, Any]]:
    files = []
    for line in git(asked.place, "diff", "--name-status", before, after).splitlines():
        kind, _, path = line.partition("\t")
        patch = git(asked.place, "diff", before, after, "--", path)
        words = {"A": "added", "M": "modified", "D": "removed"}
        files.append({"filename": path, "status": words.get(kind, "changed"), "patch": patch[patch.find("@@") :],
                      "additions": 1, "deletions": 1})  # fmt: skip
    return files


@route("GET", f"{_REPO}/commits")
def _commits(asked: Asked) -> Any:
    query = asked.take("sha", "path")
    words = ["--", query["path"]] if "path" in query else []
    told = git(asked.place, "log", "--format=%H", asked.commit(query.get("sha", "main")), *words)
    return [_commit_of(asked, sha) for sha in told.splitlines()]


@route("GET", f"{_REPO}/commits/{{ref}}/check-runs")
def _checks(asked: Asked) -> Any:
    asked.take()
    runs = asked.server.checks.get(asked.commit(asked.names["ref"]), [])
    return {"total_count": len(runs), "check_runs": runs}


@route("GET", f"{_REPO}/commits/{{ref}}/statuses")
def _statuses(asked: Asked) -> Any:
    asked.take()
    return list(reversed(asked.server.statuses.get(asked.commit(asked.names["ref"]), [])))


@route("GET", f"{_REPO}/commits/{{ref}}")
def _one_commit(asked: Asked) -> Any:
    sha = asked.commit(asked.names["ref"])
    commit = _commit_of(asked, sha)
    parents = [each["sha"] for each in commit["parents"]]
    return {**commit, "files": _files_of(asked, parents[0], sha) if parents else []}


@route("POST", f"{_REPO}/statuses/{{sha}}")
def _new_status(asked: Asked) -> Any:
    body = asked.fields("Status", {"state": str}, context=str, description=str, target_url=str)
    made = {"context": "default", "created_at": AT, **body}
    asked.server.statuses.setdefault(asked.commit(asked.names["sha"]), []).append(made)
    return made


@route("GET", f"{_REPO}/compare/{{base}}\\.\\.\\.{{path}}")
def _compare(asked: Asked) -> Any:
    base, head = asked.commit(asked.names["base"]), asked.commit(asked.names["path"])
    shas = git(asked.place, "log", "--reverse", "--format=%H", f"{base}..{head}").splitlines()
    return {"status": "ahead" if shas else "identical", "ahead_by": len(shas), "behind_by": 0,
            "total_commits": len(shas), "commits": [_commit_of(asked, sha) for sha in shas],
            "files": _files_of(asked, base, head), "html_url": "x"}  # fmt: skip


@route("GET", f"{_REPO}/contents/{{path}}")
def _content(asked: Asked) -> Any:
    query, path = asked.take("ref"), asked.names["path"]
    ref = asked.commit(query.get("ref", "main"))
    try:
        kind = git(asked.place, "cat-file", "-t", f"{ref}:{path}")
    except AssertionError:
        raise Refused(404, "Not Found") from None
    if kind == "tree":
        return [{"type": "file", "path": f"{path}/x"}]
    sha, text = git(asked.place, "rev-parse", f"{ref}:{path}"), git(asked.place, "show", f"{ref}:{path}") + "\n"
    content = base64.encodebytes(text.encode()).decode()
    return {"type": "file", "encoding": "base64", "path": path, "sha": sha, "size": len(text), "content": content}


@route("PUT", f"{_REPO}/contents/{{path}}")
def _put_content(asked: Asked) -> Any:
    body = asked.fields("Commit", {"message": str, "content": str, "branch": str}, sha=str)
    path, head = asked.names["path"], asked.commit(f"refs/heads/{body['branch']}")
    there = git(asked.place, "ls-tree", head, "--", path).split()
    if there and body.get("sha") != there[2]:
        message = (
            'Invalid request.\n\n"sha" wasn\'t supplied.'
            if "sha" not in body
            else f"{path} does not match {body['sha']}"
        )
        raise Refused(422 if "sha" not in body else 409, message)
    blob = git(asked.place, "hash-object", "-w", "--stdin", stdin=base64.b64decode(body["content"], validate=True))
    kept = [line for line in git(asked.place, "ls-tree", head).splitlines() if line.split("\t")[1] != path]
    tree = git(asked.place, "mktree", stdin="\n".join([*kept, f"100644 blob {blob}\t{path}", ""]).encode())
    commit = git(asked.place, "commit-tree", tree, "-p", head, "-m", body["message"])
    git(asked.place, "update-ref", f"refs/heads/{body['branch']}", commit)
    return {"content": {"path": path, "sha": blob}, "commit": {"sha": commit, "html_url": "x"}}


@route("GET", f"{_REPO}/pulls")
def _pulls(asked: Asked) -> Any:
    query = asked.take("state", "head", "base")
    found = [each for each in asked.server.pulls() if query.get("state", "open") in ("all", each["state"])]
    if "head" in query:
        if ":" not in query["head"]:
            raise Refused(422, "head is user:ref-name")
        found = [each for each in found if f"{asked.names['owner']}:{each['head']['ref']}" == query["head"]]
    return [each for each in reversed(found) if query.get("base", each["base"]["ref"]) == each["base"]["ref"]]


@route("POST", f"{_REPO}/pulls")
def _new_pull(asked: Asked) -> Any:
    body = asked.fields("PullRequest", {"title": str, "head": str, "base": str}, body=str, draft=bool)
    ends = {}
    for side in ("head", "base"):
        if not git(asked.place, "for-each-ref", f"refs/heads/{body[side]}"):
            raise Refused(422, "Validation Failed", [{"resource": "PullRequest", "field": side, "code": "invalid"}])
        ends[side] = {"ref": body[side], "sha": asked.commit(body[side])}
    if ends["head"]["sha"] == ends["base"]["sha"]:
        raise Refused(422, "Validation Failed", [{"message": f"No commits between {body['base']} and {body['head']}"}])
    if any(each["head"]["ref"] == body["head"] and each["state"] == "open" for each in asked.server.pulls()):
        raise Refused(422, "Validation Failed", [{"message": f"A pull request already exists for ada:{body['head']}."}])
    return _add(asked, body, **ends, draft=body.get("draft", False), merged=False, pull_request={"url": "x"})


@route("GET", f"{_REPO}/pulls/{{number}}")
def _pull(asked: Asked) -> Any:
    return asked.issue()


@route("PATCH", f"{_REPO}/pulls/{{number}}")
def _change_pull(asked: Asked) -> Any:
    asked.issue().update(asked.fields("PullRequest", {}, title=str, body=str, state=str, base=str))
    return asked.issue()


@route("GET", f"{_REPO}/pulls/{{number}}/files")
def _pull_files(asked: Asked) -> Any:
    asked.take()
    pull = asked.issue()
    return _files_of(asked, pull["base"]["sha"], pull["head"]["sha"])


@route("PUT", f"{_REPO}/pulls/{{number}}/merge")
def _merge(asked: Asked) -> Any:
    body, pull = asked.fields("PullRequest", {}, sha=str, merge_method=str), asked.issue()
    if pull["merged"]:
        raise Refused(405, "Pull Request is not mergeable")
    if body.get("sha", pull["head"]["sha"]) != pull["head"]["sha"]:
        raise Refused(409, "Head branch was modified. Review and try the merge again.")
    git(asked.place, "update-ref", f"refs/heads/{pull['base']['ref']}", pull["head"]["sha"])
    pull.update(merged=True, state="closed", merge_commit_sha=pull["head"]["sha"])
    return {"merged": True, "sha": pull["head"]["sha"], "message": "Pull Request successfully merged"}
