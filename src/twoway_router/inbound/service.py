"""What other packages do with MOs.

``ingress`` stores them, ``executor`` runs them, ``management`` lists and replays them, ``scheduler`` finds overdue ones.
"""

from twoway_router.inbound.queries import accepting, listing, parked, reassigning, replays, restored, runs, waiting

find_others_of_id = accepting.find_others_of_id
insert_messages_once = accepting.insert_messages_once
InboundFilter = listing.InboundFilter
RoutedText = listing.RoutedText
find_inbound = listing.find_inbound
list_routed_texts = listing.list_routed_texts
ParkedMessage = parked.ParkedMessage
list_parked = parked.list_parked
requeue = parked.requeue
Original = reassigning.Original
Reassignment = reassigning.Reassignment
list_originals = reassigning.list_originals
reassign = reassigning.reassign
begin_generation = replays.begin_generation
list_original_routes = replays.list_original_routes
list_run_ordinals = replays.list_run_ordinals
lock_message = replays.lock_message
lock_messages = replays.lock_messages
copy_of = replays.copy_of
take_route = replays.take_route
mark_restored = restored.mark_restored
EarlierRun = runs.EarlierRun
FinishedRun = runs.FinishedRun
WaitingMessage = runs.WaitingMessage
count_failure = runs.count_failure
find_known = runs.find_known
find_repeated_opt_outs = runs.find_repeated_opt_outs
finish = runs.finish
list_earlier = runs.list_earlier
list_order_keys = runs.list_order_keys
list_waiting = runs.list_waiting
lock_keys = runs.lock_keys
lock_people = runs.lock_people
note_windows = runs.note_windows
take_courtesies = runs.take_courtesies
ACCEPTED = waiting.ACCEPTED
PARKED = waiting.PARKED
Waiting = waiting.Waiting
forget_courtesies = waiting.forget_courtesies
list_overdue = waiting.list_overdue
