package sol

import (
	"encoding/json"
	"time"
)

// LccnSubscriptionRequest asks for notifications about life-cycle changes (SOL003 v3.7.1 §5.5.2.15).
type LccnSubscriptionRequest struct {
	Filter         *LifecycleChangeNotificationsFilter `json:"filter,omitempty"`
	CallbackUri    string                              `json:"callbackUri"`
	Authentication *SubscriptionAuthentication         `json:"authentication,omitempty"`
	Verbosity      NotificationVerbosity               `json:"verbosity,omitempty"`
}

// LccnSubscription is a subscription (SOL003 v3.7.1 §5.5.2.16). It never shows credentials.
type LccnSubscription struct {
	Id          string                              `json:"id"`
	Filter      *LifecycleChangeNotificationsFilter `json:"filter,omitempty"`
	CallbackUri string                              `json:"callbackUri"`
	Verbosity   NotificationVerbosity               `json:"verbosity"`
	Links       SelfLinks                           `json:"_links"`
}

// NotificationVerbosity says how much a notification tells (LcmOpOccNotificationVerbosityType).
type NotificationVerbosity string

// Values lists the verbosities.
func (NotificationVerbosity) Values() []string { return []string{"FULL", "SHORT"} }

// NotificationType is a type of notification.
type NotificationType string

// Values lists the types of notifications.
func (NotificationType) Values() []string {
	return []string{"VnfLcmOperationOccurrenceNotification", "VnfIdentifierCreationNotification", "VnfIdentifierDeletionNotification"}
}

// LcmOperationType is a type of operation, in a filter.
type LcmOperationType string

// Values lists the types of operations (SOL003 v3.7.1 §5.5.4.3).
func (LcmOperationType) Values() []string {
	return []string{
		"INSTANTIATE", "SCALE", "SCALE_TO_LEVEL", "CHANGE_FLAVOUR", "TERMINATE", "HEAL", "OPERATE", "CHANGE_EXT_CONN", "MODIFY_INFO",
		"CREATE_SNAPSHOT", "REVERT_TO_SNAPSHOT", "CHANGE_VNFPKG",
	}
}

// LcmOperationStateType is a state of an operation, in a filter.
type LcmOperationStateType string

// Values lists the states (SOL003 v3.7.1 §5.5.4.4).
func (LcmOperationStateType) Values() []string {
	return []string{"STARTING", "PROCESSING", "COMPLETED", "FAILED_TEMP", "FAILED", "ROLLING_BACK", "ROLLED_BACK"}
}

// LifecycleChangeNotificationsFilter says which notifications are wanted (SOL003 v3.7.1 §5.5.3.12).
type LifecycleChangeNotificationsFilter struct {
	VnfInstanceSubscriptionFilter *VnfInstanceSubscriptionFilter `json:"vnfInstanceSubscriptionFilter,omitempty"`
	NotificationTypes             []NotificationType             `json:"notificationTypes,omitempty"`
	OperationTypes                []LcmOperationType             `json:"operationTypes,omitempty"`
	OperationStates               []LcmOperationStateType        `json:"operationStates,omitempty"`
}

// VnfInstanceSubscriptionFilter says about which VNF instances (SOL003 v3.7.1 §4.4.1.5).
type VnfInstanceSubscriptionFilter struct {
	VnfdIds                  []string             `json:"vnfdIds,omitempty"`
	VnfProductsFromProviders []VnfProviderProduct `json:"vnfProductsFromProviders,omitempty"`
	VnfInstanceIds           []string             `json:"vnfInstanceIds,omitempty"`
	VnfInstanceNames         []string             `json:"vnfInstanceNames,omitempty"`
}

// VnfProviderProduct selects products of one provider.
type VnfProviderProduct struct {
	VnfProvider string       `json:"vnfProvider"`
	VnfProducts []VnfProduct `json:"vnfProducts,omitempty"`
}

// VnfProduct selects versions of one product.
type VnfProduct struct {
	VnfProductName string              `json:"vnfProductName"`
	Versions       []VnfProductVersion `json:"versions,omitempty"`
}

// VnfProductVersion selects descriptor versions of one software version.
type VnfProductVersion struct {
	VnfSoftwareVersion string   `json:"vnfSoftwareVersion"`
	VnfdVersions       []string `json:"vnfdVersions,omitempty"`
}

// AuthType is a way to authenticate to a subscriber.
type AuthType string

// Values lists the ways.
func (AuthType) Values() []string { return []string{"BASIC", "OAUTH2_CLIENT_CREDENTIALS", "TLS_CERT"} }

// SubscriptionAuthentication says how to authenticate to a subscriber (SOL013 v3.7.1 §8.3.4).
type SubscriptionAuthentication struct {
	AuthType                      []AuthType                     `json:"authType"`
	ParamsBasic                   *ParamsBasic                   `json:"paramsBasic,omitempty"`
	ParamsOauth2ClientCredentials *ParamsOauth2ClientCredentials `json:"paramsOauth2ClientCredentials,omitempty"`
}

// ParamsBasic is the parameters of BASIC.
type ParamsBasic struct {
	UserName string `json:"userName,omitempty"`
	Password string `json:"password,omitempty"`
}

// ParamsOauth2ClientCredentials is the parameters of OAUTH2_CLIENT_CREDENTIALS.
type ParamsOauth2ClientCredentials struct {
	ClientId       string `json:"clientId,omitempty"`
	ClientPassword string `json:"clientPassword,omitempty"`
	TokenEndpoint  string `json:"tokenEndpoint,omitempty"`
}

// VnfIdentifierNotification is a VnfIdentifierCreationNotification or VnfIdentifierDeletionNotification (SOL003 v3.7.1
// §5.5.2.18, §5.5.2.19).
type VnfIdentifierNotification struct {
	Id               string           `json:"id"`
	NotificationType NotificationType `json:"notificationType"`
	SubscriptionId   string           `json:"subscriptionId"`
	TimeStamp        time.Time        `json:"timeStamp"`
	VnfInstanceId    string           `json:"vnfInstanceId"`
	Links            LccnLinks        `json:"_links"`
}

// LccnLinks is the links of a notification; they are absolute.
type LccnLinks struct {
	VnfInstance  Link  `json:"vnfInstance"`
	Subscription Link  `json:"subscription"`
	VnfLcmOpOcc  *Link `json:"vnfLcmOpOcc,omitempty"`
}

// VnfLcmOperationOccurrenceNotification tells of a change of an operation's state (SOL003 v3.7.1 §5.5.2.17).
type VnfLcmOperationOccurrenceNotification struct {
	Id                    string                `json:"id"`
	NotificationType      NotificationType      `json:"notificationType"`
	SubscriptionId        string                `json:"subscriptionId"`
	TimeStamp             time.Time             `json:"timeStamp"`
	NotificationStatus    string                `json:"notificationStatus"` // START or RESULT
	OperationState        string                `json:"operationState"`
	VnfInstanceId         string                `json:"vnfInstanceId"`
	Operation             string                `json:"operation"`
	IsAutomaticInvocation bool                  `json:"isAutomaticInvocation"`
	Verbosity             NotificationVerbosity `json:"verbosity,omitempty"`
	VnfLcmOpOccId         string                `json:"vnfLcmOpOccId"`
	OpChanges
	Error *ProblemDetails `json:"error,omitempty"`
	Links LccnLinks       `json:"_links"`
}

// OpChanges is what a notification tells beside the state, with RESULT and FULL.
type OpChanges struct {
	AffectedVnfcs                        []AffectedVnfc           `json:"affectedVnfcs,omitempty"`
	AffectedVirtualLinks                 []AffectedVirtualLink    `json:"affectedVirtualLinks,omitempty"`
	AffectedExtLinkPorts                 []AffectedExtLinkPort    `json:"affectedExtLinkPorts,omitempty"`
	AffectedVirtualStorages              []AffectedVirtualStorage `json:"affectedVirtualStorages,omitempty"`
	ChangedInfo                          *VnfInfoModifications    `json:"changedInfo,omitempty"`
	AffectedVipCps                       json.RawMessage          `json:"affectedVipCps,omitempty"`
	ChangedExtConnectivity               []ExtVirtualLinkInfo     `json:"changedExtConnectivity,omitempty"`
	ModificationsTriggeredByVnfPkgChange *VnfInfoModifications    `json:"modificationsTriggeredByVnfPkgChange,omitempty"`
}

// Notification is one that was not delivered, of our own resource /vnfm/v1/notifications.
type Notification struct {
	Id               string    `json:"id"`             // of this entry
	NotificationId   string    `json:"notificationId"` // as the subscriber sees it
	NotificationType string    `json:"notificationType"`
	State            string    `json:"state"` // PENDING, FAILED
	SubscriptionId   string    `json:"subscriptionId"`
	VnfInstanceId    string    `json:"vnfInstanceId"`
	VnfLcmOpOccId    string    `json:"vnfLcmOpOccId,omitempty"`
	OperationState   string    `json:"operationState,omitempty"`
	Created          time.Time `json:"created"`
	GiveUp           time.Time `json:"giveUp"` // an attempt that fails after this time is the last
	Attempts         int       `json:"attempts"`
	Tried            time.Time `json:"tried,omitzero"`
	Reason           string    `json:"reason,omitempty"` // why the last attempt failed
}
