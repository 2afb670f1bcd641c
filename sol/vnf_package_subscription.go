package sol

import "time"

// PkgmSubscriptionRequest asks the NFVO to tell us of changes of its packages (SOL003 v3.7.1 §10.5.2.3).
type PkgmSubscriptionRequest struct {
	Filter      *PkgmNotificationsFilter `json:"filter,omitempty"`
	CallbackUri string                   `json:"callbackUri"`
}

// PkgmNotificationsFilter selects notifications about packages.
type PkgmNotificationsFilter struct {
	NotificationTypes []string `json:"notificationTypes,omitempty"`
	VnfdId            []string `json:"vnfdId,omitempty"`
}

// PkgmSubscription is a subscription to notifications about packages (SOL003 v3.7.1 §10.5.2.4).
type PkgmSubscription struct {
	Id          string                   `json:"id"`
	Filter      *PkgmNotificationsFilter `json:"filter,omitempty"`
	CallbackUri string                   `json:"callbackUri"`
	Links       SelfLinks                `json:"_links"`
}

// SelfLinks is the links of a resource that has no others.
type SelfLinks struct {
	Self Link `json:"self"`
}

// The types of notifications about packages.
const (
	VnfPackageOnboarding = "VnfPackageOnboardingNotification"
	VnfPackageChange     = "VnfPackageChangeNotification"
)

// VnfPackageNotification tells of a package that was onboarded, or changed (SOL003 v3.7.1 §10.5.2.5, §10.5.2.6). The last
// two attributes are those of a change.
type VnfPackageNotification struct {
	Id               string    `json:"id"`
	NotificationType string    `json:"notificationType"`
	SubscriptionId   string    `json:"subscriptionId"`
	TimeStamp        time.Time `json:"timeStamp"`
	VnfPkgId         string    `json:"vnfPkgId"`
	VnfdId           string    `json:"vnfdId"`
	VnfmInfo         []string  `json:"vnfmInfo,omitempty"`
	ChangeType       string    `json:"changeType,omitempty"` // OP_STATE_CHANGE, PKG_DELETE
	OperationalState string    `json:"operationalState,omitempty"`
	Links            PkgmLinks `json:"_links"`
}

// PkgmLinks is the links of a notification about a package.
type PkgmLinks struct {
	VnfPackage         Link `json:"vnfPackage"`
	VnfPackageByVnfdId Link `json:"vnfPackageByVnfdId"`
	Subscription       Link `json:"subscription"`
}
