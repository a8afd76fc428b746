"""An engagement's channels in Slack, as they were last seen."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from tracker.api.operation import Api, Call, Listing, Out
from tracker.domain.access import Permission
from tracker.services import channel_care as service

api = Api("channel")


class PresenceOut(Out):
    person_id: UUID
    name: str
    slack_user_id: str | None = Field(description="Null: not known in Slack, so not seen there either.")
    since: datetime | None = Field(description="Since when they were seen in the channel; null: they are not in it.")


class ChannelOut(Out):
    place: str = Field(description="slack_channel (with the customer) or internal_slack_channel (the team's own).")
    channel: str = Field(description="Slack's id.")
    name: str | None
    is_private: bool | None = Field(description="Null, as all that is known of it: nobody has looked yet.")
    is_external: bool | None = Field(description="People of another company read it.")
    is_archived: bool | None
    is_member: bool | None = Field(description="Whether the bot is in it.")
    problem: str | None = Field(description="What keeps the tracker from posting there, in words.")
    checked_at: datetime | None
    people: list[PresenceOut] = Field(description="The customer's people; of the team's own channel, nobody.")


@api.get("/engagements/<uuid:engagement_id>/channels", Permission.EDIT_ENGAGEMENT)
def list_channels(call: Call, engagement_id: UUID) -> Listing[ChannelOut]:
    """The channels that an engagement has, two at most. They are looked at within the hour; set them on the engagement."""
    return Listing(
        items=[
            ChannelOut(
                place=view.place,
                channel=view.channel,
                name=view.seen.name if view.seen else None,
                is_private=view.seen.is_private if view.seen else None,
                is_external=view.seen.is_external if view.seen else None,
                is_archived=view.seen.is_archived if view.seen else None,
                is_member=view.seen.is_member if view.seen else None,
                problem=view.problem,
                checked_at=view.checked_at,
                people=[
                    PresenceOut(
                        person_id=each.person.id, name=each.person.name, slack_user_id=each.person.slack_user_id, since=each.since
                    )
                    for each in view.people
                ],
            )
            for view in service.views_of(call.session, call.actor, engagement_id)
        ]
    )
