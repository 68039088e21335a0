# SPDX-License-Identifier: LGPL-2.1-or-later
"""Distributes the pieces of all recordings and collects the results."""

import dataclasses
import json
import queue
import uuid

import cluster
import recordings
import report
import segmenting
from failures import BadSeam, Failure
from manifest import Manifest, write_whole
from progress import Progress

RETRIES = 1  # of a failed task, perhaps on another worker
WHOLE = [{"first": None, "end": None, "frames": None}]


def read_options(options):
    """Returns (Options of the workers, (seconds, step) of keyframes.scan())."""
    model = options.model
    if model is not None:
        model = str(segmenting.model_file(model).resolve())
    wanted = segmenting.Options(
        model, segmenting.hash_model(model), options.backend, options.threads,
        options.fastscnn, options.json, options.masks)
    net = segmenting.make_element(
        f"{segmenting.NETWORK} {options.fastscnn}", "fastscnn")
    segmenting.make_element(f"classmaskjson {options.json}", "classmaskjson")
    if net.get_property("async"):
        raise Failure("async=true gives frames the masks of others; leave it "
                      "out, recordings are not live")
    # Smoothing depends on all earlier frames, so do not cut.
    seconds = 0 if net.get_property("smoothing") > 0 else options.piece
    return wanted, (seconds, net.get_property("interval") + 1)


class Job:
    """A recording that is being processed."""

    def __init__(self, recording, identity):
        self.recording = recording
        self.identity = identity
        self.folder = None  # of its pieces
        self.plan = None  # what keyframes.scan() returns
        self.whole = False  # cutting has failed: it is segmented as a whole
        self.missing = set()  # pieces
        self.devices = set()
        self.futures = set()

    def files(self, number, masks):
        folder = self.folder / "whole" if self.whole else self.folder
        folder.mkdir(exist_ok=True)
        stem = folder / f"{number:06}"
        return (str(stem.with_suffix(".jsonl")),
                str(stem.with_suffix(".mkv")) if masks else None)


class Batch:
    def __init__(self, manifest, wanted, cutting):
        self.client = None
        self.manifest = manifest
        self.wanted = wanted
        self.cutting = cutting
        self.progress = Progress()
        self.jobs = {}
        # The options that affect the results; not those that affect the speed.
        self.key = dataclasses.asdict(wanted)
        for name in ("model", "threads"):
            del self.key[name]
        self._done = queue.SimpleQueue()
        self._topic = f"{cluster.TOPIC}-{uuid.uuid4()}"

    def submit(self, job, kind, number, priority, module, function, *arguments):
        future = self.client.submit(
            cluster.on_worker, [str(cluster.HERE), cluster.INSTALLED], module,
            function, *arguments, key=f"{function}-{uuid.uuid4()}",
            retries=RETRIES, priority=priority)
        job.futures.add(future)
        future.add_done_callback(
            lambda future: self._done.put((job, kind, number, future)))

    def look(self, recording):
        """Creates a job for a recording, unless its results exist."""
        name = recording.name
        try:
            identity = recording.identity()
        except Failure as failure:
            self.fail(recording, {}, failure)
            return
        if self.manifest.is_done(name, identity, self.key):
            self.progress.skipped += 1
            self.note_damage(recording)
            return
        job = self.jobs[name] = Job(recording, identity)
        job.folder = self.manifest.pieces(name, identity, self.key, self.cutting)
        self.progress.unknown += 1

    def start(self, job):
        try:
            plan = json.loads((job.folder / "plan.json").read_text())
        except (OSError, ValueError):
            self.submit(job, "scan", 0, 1, "keyframes", "scan",
                        job.recording.uri, *self.cutting)
        else:
            self.cut(job, plan)

    def cut(self, job, plan):
        job.plan = plan
        job.whole = plan.get("whole", False)
        job.folder.mkdir(parents=True, exist_ok=True)
        write_whole(job.folder / "plan.json", json.dumps(plan))
        self.progress.unknown -= 1
        self.progress.total += plan["frames"]
        for number, piece in enumerate(plan["pieces"]):
            files = job.files(number, self.wanted.masks)
            if (job.folder / files[0]).is_file():
                if not job.whole:
                    self.progress.total -= piece["frames"]
                continue
            job.missing.add(number)
            self.submit(job, "piece", number, 0, "work", "segment", self._topic,
                        job.recording.uri, piece, plan["segment"],
                        dataclasses.asdict(self.wanted), *files)
        self.join_if_ready(job)

    def join_if_ready(self, job):
        if job.missing:
            return
        if job.recording.identity() != job.identity:
            raise Failure("it changed while it was read; run again")
        outputs = self.manifest.outputs(job.recording.name, self.wanted.masks)
        folder = job.folder / "whole" if job.whole else job.folder
        self.submit(job, "join", 0, 2, "joining", "join", str(folder),
                    len(job.plan["pieces"]), job.plan["seconds"],
                    {kind: str(self.manifest.folder / file)
                     for kind, file in outputs.items()})

    def handle(self, job, kind, number, future):
        job.futures.discard(future)
        if self.jobs.get(job.recording.name) is not job:
            return  # the job has failed or was replaced
        error = future.exception()
        try:
            if isinstance(error, BadSeam) and not job.whole:
                self.redo_as_whole(job)
            elif error is not None:
                raise error
            elif kind == "scan":
                self.cut(job, future.result())
            elif kind == "piece":
                job.missing.discard(number)
                job.devices.add(future.result()["device"])
                self.join_if_ready(job)
            else:
                self.finish(job, future.result())
        except Exception as failure:  # tasks may raise anything
            self.fail(job.recording, job.identity, failure)
            self.drop(job)

    def redo_as_whole(self, job):
        self.drop(job)
        again = self.jobs[job.recording.name] = Job(job.recording, job.identity)
        again.folder = job.folder
        self.progress.unknown += 1
        self.progress.total -= job.plan["frames"]
        self.cut(again, {**job.plan, "pieces": WHOLE, "segment": None,
                         "whole": True})

    def drop(self, job):
        self.jobs.pop(job.recording.name, None)
        if job.futures:
            self.client.cancel(list(job.futures))
            job.futures.clear()

    def finish(self, job, frames):
        name = job.recording.name
        self.manifest.recordings[name] = {
            "where": job.recording.where, **job.identity, "options": self.key,
            "state": "damaged" if job.plan["damage"] else "done",
            "error": job.plan["damage"], "frames": frames,
            "seconds": job.plan["seconds"], "pieces": len(job.plan["pieces"]),
            "devices": sorted(job.devices),
            "outputs": self.manifest.outputs(name, self.wanted.masks)}
        self.manifest.save()
        self.manifest.drop_pieces(name)
        self.progress.finished += 1
        self.note_damage(job.recording)
        self.drop(job)

    def note_damage(self, recording):
        error = self.manifest.recordings[recording.name].get("error")
        if error:
            self.progress.failures[recording.where] = error

    def fail(self, recording, identity, failure):
        text = str(failure)
        if type(failure).__name__ == "KilledWorker":
            text = "workers crashed repeatedly on a piece of it"
        self.manifest.recordings[recording.name] = {
            "where": recording.where, **identity, "options": self.key,
            "state": "failed", "error": text}
        self.manifest.save()
        self.progress.failures[recording.where] = text

    def run(self, client):
        self.client = client
        client.subscribe_topic(
            self._topic,
            lambda event: self.progress.add_frames(event[1]["frames"]))
        self.progress.begin()
        for job in list(self.jobs.values()):
            self.start(job)
        while self.jobs:
            try:
                self.handle(*self._done.get(timeout=1))
            except queue.Empty:
                if client.status != "running":
                    raise Failure("the scheduler is gone; the same command goes "
                                  "on") from None
            self.progress.show(len(client.scheduler_info()["workers"]))


def check_workers(client, manifest, wanted):
    """Raises Failure if a worker cannot take part."""
    folders = [str(cluster.HERE), cluster.INSTALLED]
    marker = manifest.folder / f".{uuid.uuid4()}"
    marker.touch()
    try:
        answers = client.run(cluster.on_worker, folders, "work", "check",
                             str(marker), wanted.model, wanted.model_hash,
                             on_error="return")
    finally:
        marker.unlink()
    for address, answer in answers.items():
        if answer is not None:
            raise Failure(answer if isinstance(answer, str)
                          else f"{address}: {answer!r}")
    client.submit(cluster.on_worker, folders, "work", "open_network",
                  dataclasses.asdict(wanted), pure=False).result()


def run(options):
    found = recordings.find(options.input, options.out)
    wanted, cutting = read_options(options)
    manifest = Manifest(options.out.resolve())
    with manifest.locked():
        batch = Batch(manifest, wanted, cutting)
        for recording in found:
            batch.look(recording)
        if batch.jobs:
            with cluster.open_cluster(options.scheduler,
                                      options.workers) as client:
                check_workers(client, manifest, wanted)
                try:
                    batch.run(client)
                finally:
                    batch.progress.end()
        entries = {recording.name: manifest.recordings[recording.name]
                   for recording in found}
        batch.progress.print_table(entries)
        if options.report:
            report.write(manifest.folder / "report.html", manifest.folder,
                         entries)
    return 1 if batch.progress.failures else 0
