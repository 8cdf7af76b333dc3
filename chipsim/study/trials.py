"""The trials of an optimisation in optuna's storage: asked, told, and taken over from processes that are gone.

Several processes, on several machines, may work on one storage. Each trial names the process that asked for it. Of a process on
the same machine it is known whether it lives; one on another machine shows by a number that it counts up.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import sqlite3
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import OptunaError, StorageInternalError
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from chipsim.study.optimisation import OUTCOME
from chipsim.study.samplers import Seeded
from geometries import DesignError

_DEFINITION, _BY, _BEAT = "chipsim", "by", "beat "
_BEAT_SECONDS = 10.0
# Without a new beat for so long a process on another machine counts as gone, s.
_SILENCE = 4 * _BEAT_SECONDS
_PORTS = {"redis": 6379, "postgresql": 5432, "mysql": 3306, "mariadb": 3306, "mssql": 1433, "oracle": 1521}
_CONNECT_SECONDS = 10.0
_OPENINGS = 4


def file_storage(path: Path) -> str:
    """URL of a SQLite file.

    Raises:
        DesignError: It is there but not whole.
    """
    if path.exists():
        try:
            with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=60)) as file:
                found = file.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.Error as error:
            found = str(error)
        if found != "ok":
            raise DesignError(
                f"{path} is not a whole database ({found.splitlines()[0]}); delete it and start again: the points "
                "computed are kept beside it and cost nothing"
            )
    return f"sqlite:///{path.absolute()}"


class Trials:
    """The trials of one study in a storage.

    Args:
        url: Of the storage, as optuna has it.
        name: Of the study there.
        definition: What makes it this study: design, parameters, objectives and so on; plain values.
        goals: ``"maximise"`` or ``"minimise"`` for each objective.
        sampler: What is tried next.

    Raises:
        DesignError: The storage does not answer, or has another study of that name.
    """

    def __init__(
        self,
        url: str,
        name: str,
        definition: Mapping[str, Any],
        goals: Sequence[str],
        sampler: Seeded,
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._where = hidden(url)
        self._process = _this_process()
        self._beats: dict[str, tuple[Any, float, bool]] = {}
        _probe(url)
        with self._told_plainly(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._storage = _opened(url)
            self._study = optuna.create_study(
                storage=self._storage, study_name=name, sampler=sampler, load_if_exists=True,
                directions=["maximize" if goal == "maximise" else "minimize" for goal in goals],
            )  # fmt: skip
            self._check(name, definition)

    def _check(self, name: str, definition: Mapping[str, Any]) -> None:
        """Whether the study in the storage is this one; a new one becomes so."""
        ours = json.loads(json.dumps(definition))
        begun = bool(self._study.get_trials(deepcopy=False))  # first: whoever begins says before what it is
        theirs = self._study.user_attrs.get(_DEFINITION)
        if theirs is None and not begun:
            self._study.set_user_attr(_DEFINITION, ours)
        elif theirs is None:
            raise DesignError(
                f"the study {name} in {self._where} is not one of chipsim's; name yours otherwise"
            )
        elif theirs != ours:
            differ = [key for key in ours if theirs.get(key) != ours[key]]
            if differ == ["code"]:
                raise DesignError(
                    f"the study {name} in {self._where} was computed by another version of chipsim; take another folder, or "
                    "another name where the storage is shared"
                )
            raise DesignError(
                f"the study {name} in {self._where} is another one: it has other {', '.join(differ)}; take another folder or "
                "name"
            )

    @contextlib.contextmanager
    def _told_plainly(self) -> Iterator[None]:
        """Turns what a storage can do wrong into one sentence."""
        try:
            yield
        except (SQLAlchemyError, StorageInternalError, OSError) as error:
            raise DesignError(
                f"the storage {self._where} does not work: {_cause(error)}; the points computed are kept"
            ) from None

    def all(self) -> list[FrozenTrial]:
        """All trials, in their order."""
        with self._told_plainly():
            return sorted(self._study.get_trials(deepcopy=False), key=lambda trial: trial.number)

    def finished(self, most: int) -> list[FrozenTrial]:
        """Trials that were told, with numbers below ``most``."""
        return [
            t
            for t in self.all()
            if t.state == TrialState.COMPLETE and t.number < most and OUTCOME in t.user_attrs
        ]

    def ask(self, suggest: Callable[[Any], None], most: int) -> int:
        """Make a trial; one whose number is not below ``most`` is left for whoever wants more of them.

        Args:
            suggest: Draws its parameters from a trial of optuna's.
            most: How many are wanted.

        Returns:
            Its number.
        """
        with self._told_plainly():
            study_id = self._storage.get_study_id_from_name(self._study.study_name)
            # It is there with its owner from the first moment.
            made = optuna.trial.create_trial(state=TrialState.RUNNING, user_attrs={_BY: self._process})
            identity = self._storage.create_new_trial(study_id, made)
            number = self._storage.get_trial_number_from_id(identity)
            if number < most:
                self._complete(identity, suggest)
            return int(number)

    def _complete(self, identity: int, suggest: Callable[[Any], None]) -> None:
        self._study.get_trials(deepcopy=False)  # what optuna remembers of the storage must know it
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            suggest(optuna.trial.Trial(self._study, identity))

    def take(
        self, most: int, suggest: Callable[[Any], None], names: Sequence[str], progress: Callable[[str], None]
    ) -> list[FrozenTrial]:
        """Trials to compute: what this process asked for, and what processes asked for that are gone.

        Args:
            most: Only trials with smaller numbers.
            suggest: Draws the parameters of one that was killed while they were drawn.
            names: Of all parameters.
            progress: Told when it must wait to see whether another machine is at work.
        """
        open_ = self._running(most)
        waits = False
        while any(self._alive(trial) is None for trial in open_):
            if not waits:
                progress("waiting to see whether another machine is at work on this study")
            waits = True
            time.sleep(1.0)
            open_ = self._running(most)
        mine = [trial for trial in open_ if not self._alive(trial)]
        with self._told_plainly():
            for trial in mine:
                if trial.user_attrs.get(_BY) != self._process:
                    self._storage.set_trial_user_attr(trial._trial_id, _BY, self._process)
                if set(names) - set(trial.params):
                    self._complete(trial._trial_id, suggest)
        numbers = {trial.number for trial in mine}
        return [trial for trial in self.all() if trial.number in numbers]

    def _running(self, most: int) -> list[FrozenTrial]:
        return [t for t in self.all() if t.state == TrialState.RUNNING and t.number < most]

    def others_at_work(self, most: int) -> bool:
        """Whether processes that live have trials to compute."""
        return any(self._alive(trial) is not False for trial in self._running(most))

    def _alive(self, trial: FrozenTrial) -> bool | None:
        """Whether the process that asked for it lives and is another one; None as long as that is not known."""
        by = str(trial.user_attrs.get(_BY, ""))
        if by == self._process or not by:
            return False
        machine, _, process = by.rpartition(" ")
        if machine == self._process.rpartition(" ")[0]:
            return _lives(process)
        beat, now = self._study.user_attrs.get(_BEAT + by), time.monotonic()
        if by not in self._beats or self._beats[by][0] != beat:
            # The first number read says nothing, a second one does.
            self._beats[by] = (beat, now, by in self._beats)
        _, since, seen = self._beats[by]
        return False if now - since > _SILENCE else (True if seen else None)

    def tell(self, trial: FrozenTrial, values: Sequence[float], outcome: Mapping[str, Any]) -> None:
        """The outcome of a trial; one that another process has told already stays as it is."""
        with self._told_plainly(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if self._storage.get_trial(trial._trial_id).state.is_finished():
                return
            self._storage.set_trial_user_attr(trial._trial_id, OUTCOME, outcome)
            self._study.tell(trial.number, values, skip_if_finished=True)

    def front(self, most: int) -> list[int]:
        """Numbers of the feasible trials that none dominates."""
        with self._told_plainly():
            return [t.number for t in self._study.best_trials if t.number < most]

    @contextlib.contextmanager
    def beating(self) -> Iterator[None]:
        """Meanwhile show other machines that this process lives."""
        stop = threading.Event()

        def beat() -> None:
            count = 0
            while not stop.wait(_BEAT_SECONDS if count else 0.0):
                count += 1
                with contextlib.suppress(SQLAlchemyError, OptunaError, OSError):
                    self._study.set_user_attr(_BEAT + self._process, count)

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(timeout=5.0)


def hidden(url: str) -> str:
    """A URL without its password."""
    return re.sub(r"(//[^/@:]*):[^/@]*@", r"\1:...@", url)


class _Connection(sqlite3.Connection):
    """To a SQLite file. A process that is killed leaves it whole, a machine that loses its power perhaps not.

    Ten writes a trial need not each wait for the disk, as the points are kept beside it.
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.execute("PRAGMA synchronous = OFF")


def _opened(url: str) -> Any:
    """The storage, tried again for a while: two processes may be at making its tables."""
    for _ in range(_OPENINGS):
        try:
            return _storage(url)
        except SQLAlchemyError:
            time.sleep(0.5)
    return _storage(url)


def _storage(url: str) -> Any:
    """The storage of a URL: a database, or optuna's journal in a file or in Redis."""
    from optuna.storages import JournalStorage, RDBStorage
    from optuna.storages.journal import JournalFileBackend, JournalRedisBackend

    try:
        if url.startswith("journal://"):
            return JournalStorage(JournalFileBackend(url.removeprefix("journal://")))
        if url.startswith("redis://"):
            return JournalStorage(JournalRedisBackend(url))
        # Several processes on one SQLite file wait for each other.
        own = {"connect_args": {"timeout": 60, "factory": _Connection}} if url.startswith("sqlite") else None
        return RDBStorage(url, own)
    except ImportError as error:
        reason = f"its driver is missing ({_cause(error)}); install the Python package of that database"
    except NoSuchModuleError:
        reason = f'there is no kind of database "{url.partition(":")[0]}"'
    except ArgumentError:
        reason = "it is no URL; write for instance sqlite:///study.db, postgresql://host/name or journal:///shared/study.log"
    except RuntimeError as error:  # tables of another version of optuna
        reason = _cause(error)
    raise DesignError(f"the storage {hidden(url)} cannot be used: {reason}")


def _probe(url: str) -> None:
    """Refuse a server that does not answer, before a driver waits for it for minutes."""
    found = re.match(r"(\w+)(?:\+\w+)?://(?:[^/@]*@)?([^/:?\[]+|\[[^\]]+\])(?::(\d+))?(?:[/?]|$)", url)
    if not found or found[1] == "sqlite":
        return
    port = int(found[3] or _PORTS.get(found[1], 0))
    if not port:
        return
    try:
        socket.create_connection((found[2].strip("[]"), port), timeout=_CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DesignError(
            f"the storage {hidden(url)} does not answer: {reason} ({found[2]}, port {port})"
        ) from None


def _cause(error: BaseException) -> str:
    """What is at the bottom of an error, in a line."""
    while (below := error.__cause__ or getattr(error, "orig", None)) is not None:
        error = below
    return " ".join(str(error).split("\n(Background")[0].split()) or type(error).__name__


def _this_process() -> str:
    """Machine (with what tells two containers apart) and process, which no other has."""
    boot = _first_line("/proc/sys/kernel/random/boot_id")[:8]
    with contextlib.suppress(OSError):
        boot += os.readlink("/proc/self/ns/pid")
    return f"{socket.gethostname()}/{boot} {os.getpid()}-{_started(os.getpid())}"


def _lives(process: str) -> bool:
    number, _, started = process.partition("-")
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        pass
    return _started(int(number)) == started


def _started(number: int) -> str:
    """When a process started, in the system's clock ticks; a number is given to another process one day."""
    fields = _first_line(f"/proc/{number}/stat").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 and fields[0] != "Z" else ""


def _first_line(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""
