"""What to try when a step failed. Pure."""

from __future__ import annotations

from devices.beacons.link import LinkError, LinkProblem
from devices.beacons.profile import BeaconProfile
from devices.beacons.provisioning.dialects.dialect import BlockedError, RefusedSecretError
from devices.beacons.provisioning.job import Step
from edge.errors import StoregateError

_BY_STEP = {
    Step.FIND: "is it switched on and near? `storegate beacon scan` shows what is heard",
    Step.CONNECT: "go nearer; close other apps that may be connected to it",
    Step.UNLOCK: "is it the right profile? `storegate beacon show` reads it with another one",
    Step.READ_BEFORE: "is it the right profile? `storegate beacon scan` names those that fit",
    Step.WRITE: "go nearer and try again; what was written is told above",
    Step.CHANGE_PASSWORD: "try again; until then it has the password that is told above",
    Step.COMMIT: "try again",
    Step.DISCONNECT: "try again",
    Step.READ_BACK: "the profile may be wrong for this firmware: report it with the model's exact name",
    Step.HEAR: "take its battery out and put it back, then `storegate beacon verify`; else the profile is wrong for it",
    Step.ROLL_BACK: "`storegate beacon show` tells what it is set to now",
}


def hint_for(step: Step, error: StoregateError, profile: BeaconProfile) -> str:
    if isinstance(error, RefusedSecretError):
        if error.hint:
            return error.hint
        wait = " Wait before the next try." if isinstance(error, BlockedError) else ""
        return f"give the password it has now. It was tried once and will not be again in this run.{wait}"
    hint = error.hint or _BY_STEP[step]
    closed = isinstance(error, LinkError) and error.problem in {LinkProblem.REFUSED, LinkProblem.NOT_FOUND}
    if profile.window_s and step in {Step.FIND, Step.CONNECT}:
        hint = f"it takes connections only in the first {profile.window_s} s after power-on. {profile.notes_en}"
    elif profile.notes_en and (step in {Step.FIND, Step.CONNECT} or closed):
        hint = f"{hint}. {profile.notes_en}"
    return hint
