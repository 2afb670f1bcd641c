// Package notify tells subscribers what happens to VNF instances (SOL003 v3.7.1 §5): subscriptions, what matches them, and
// the delivery of notifications.
//
// A subscription is an event-sourced aggregate (Subscription, stream "sub-<id>") with a view; its credentials are a sealed
// row of the ledger table secrets. Projector follows the event log: for each event that a subscription wants to hear of it
// writes a row of the ledger table notifications, in the commit that moves its checkpoint. Worker delivers the rows in order
// per subscription and VNF, retries with growing waits, and gives up in sight (state FAILED) when a notification is too old.
//
// It promises each notification at least once, with the same id and the same bytes each time, in order per subscription and
// VNF. A receiver that is away keeps only its own notifications waiting. It must not know HTTP or the wire form of a
// notification: Sender and Config.Body are given to it.
//
// # Rows
//
//	PENDING   a notification that waits; it is tried when it is the head of its queue
//	FAILED    a notification given up; kept for Config.Keep, or until an operator has it tried again
//	QUEUE     the queue of one subscription and VNF that has something to deliver: what is next, and when
//	ASKED     one row per subscription that an operator had tried again: when; nodes that wait for it to come back look at it
//	INDEX     one row that counts the changes of the set of subscriptions; its version tells whether a copy is current
package notify
