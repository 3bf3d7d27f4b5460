"""The portal's standard properties as plain tables: one line a property, one `[group]` line above each group.

A line reads `name type flags = Label`. `type` is one of the short names that `schema.py` expands (text, area, phone,
num, bool, date, time, select, radio, checks, owner, html); `flags` is any of `r` (value read-only), `c` (calculated,
so read-only too), `h` (hidden), `u` (unique), or `-` for none. Labels left out are made from the name. Options of
enumerations stand in OPTIONS. What the lines mean, and the shape that clients see, is `schema.py`'s business.

Names come from hubspot-facts sections 4, 5.2 and 7; flags follow what the Properties API is known to say of them.
"""

from __future__ import annotations

CONTACTS = """
[contactinformation = Contact information]
firstname text - = First name
lastname text - = Last name
email text u = Email
hs_additional_emails area - = Additional email addresses
hs_email_domain text r = Email domain
work_email text - = Work email
salutation text - = Salutation
phone phone - = Phone number
mobilephone phone - = Mobile phone number
fax text - = Fax number
hs_searchable_calculated_phone_number text ch = Calculated phone number, searchable
hs_searchable_calculated_mobile_number text ch = Calculated mobile number, searchable
company text - = Company name
jobtitle text - = Job title
job_function text - = Job function
seniority text - = Seniority
address text - = Street address
city text - = City
state text - = State/Region
zip text - = Postal code
country text - = Country/Region
hs_country_region_code text r = Country/Region code
hs_language select - = Preferred language
hs_timezone select - = Time zone
ip_country text r = IP country
ip_country_code text r = IP country code
website text - = Website URL
industry text - = Industry
numemployees select - = Number of employees
numberofemployees num - = Company size
annualrevenue text - = Annual revenue
message area - = Message
lifecyclestage radio - = Lifecycle stage
hs_pipeline select h = Pipeline
hs_lead_status radio - = Lead status
hs_persona select - = Persona
associatedcompanyid num - = Primary associated company ID
hs_object_id num r = Record ID
createdate time r = Create date
lastmodifieddate time r = Last modified date
hs_createdate time rh = Object create date
hs_lastmodifieddate time rh = Object last modified date
hs_created_by_user_id num r
hs_updated_by_user_id num r
hs_object_source text r = Record source
hs_object_source_label select r = Record source
hs_object_source_detail_1 text r = Record source detail 1
hs_object_source_id text r
hs_merged_object_ids checks r = Merged record IDs
hs_calculated_merged_vids checks ch = Merged contact IDs with timestamps
hs_all_contact_vids checks rh
hs_is_contact bool ch = Is a contact
hs_all_owner_ids checks r = All owner IDs
hs_all_team_ids checks r = All team IDs
hs_user_ids_of_all_owners checks r
hs_time_between_contact_creation_and_deal_creation num c
hs_linkedin_url text - = LinkedIn URL

[sales_properties = Sales properties]
hubspot_owner_id owner - = Contact owner
hubspot_owner_assigneddate time r = Owner assigned date
hubspot_team_id select r = Team of the owner
num_notes num r = Number of sales activities
num_contacted_notes num r = Number of times contacted
notes_last_contacted time r = Last contacted
notes_last_updated time r = Last activity date
notes_next_activity_date time r = Next activity date
hs_first_outreach_date time r = First outreach date
hs_time_to_first_engagement num c = Lead response time
hs_sa_first_engagement_date time r = Date of first engagement
hs_sa_first_engagement_object_type select r = Type of first engagement
hs_sa_first_engagement_descr text r = Description of first engagement
hs_last_sales_activity_timestamp time r = Last engagement date
hs_last_sales_activity_date time r = Last engagement date (old)
hs_last_sales_activity_type select r = Last engagement type
hs_sales_email_last_replied time r = Recent sales email replied date
hs_sales_email_last_opened time r = Recent sales email opened date
hs_sales_email_last_clicked time r = Recent sales email clicked date
engagements_last_meeting_booked time r = Date of last meeting booked
engagements_last_meeting_booked_source text r = Source of last meeting booked
hs_latest_meeting_activity time r = Latest meeting activity
hs_is_unworked bool c = Contact unworked
hs_count_is_unworked num c = Count of unworked contacts
hs_count_is_worked num c = Count of worked contacts
hs_sequences_is_enrolled bool r = Currently in a sequence
hs_sequences_actively_enrolled_count num r
hs_sequences_enrolled_count num r
hs_latest_sequence_enrolled num r
hs_latest_sequence_enrolled_date time r
hs_latest_sequence_ended_date time r
hs_latest_sequence_finished_date time r
hs_latest_sequence_unenrolled_date time r
hs_latest_open_lead_date time r
hs_latest_qualified_lead_date time r
hs_latest_disqualified_lead_date time r

[analyticsinformation = Web analytics history]
hs_analytics_source select - = Original traffic source
hs_analytics_source_data_1 text r = Original traffic source drill-down 1
hs_analytics_source_data_2 text r = Original traffic source drill-down 2
hs_latest_source select r = Latest traffic source
hs_latest_source_data_1 text r = Latest traffic source drill-down 1
hs_latest_source_data_2 text r = Latest traffic source drill-down 2
hs_latest_source_timestamp time r = Latest traffic source date
hs_analytics_first_timestamp time r = Time first seen
hs_analytics_last_timestamp time r = Time last seen
hs_analytics_first_visit_timestamp time r = Time of first session
hs_analytics_last_visit_timestamp time r = Time of last session
hs_analytics_num_visits num r = Number of sessions
hs_analytics_num_page_views num r = Number of page views
hs_analytics_average_page_views num r = Average page views
hs_analytics_first_url text r = First page seen
hs_analytics_last_url text r = Last page seen
hs_analytics_first_referrer text r = First referring site
hs_analytics_last_referrer text r = Last referring site
hs_analytics_num_event_completions num r = Event completions
hs_analytics_revenue num r = Event revenue

[conversioninformation = Conversion information]
recent_conversion_event_name text r = Recent conversion
recent_conversion_date time r = Recent conversion date
first_conversion_event_name text r = First conversion
first_conversion_date time r = First conversion date
num_conversion_events num r = Number of form submissions
num_unique_conversion_events num r = Number of unique forms submitted
hs_calculated_form_submissions checks ch = All form submissions

[emailinformation = Email information]
hs_email_delivered num r = Marketing emails delivered
hs_email_open num r = Marketing emails opened
hs_email_click num r = Marketing emails clicked
hs_email_replied num r = Marketing emails replied
hs_email_bounce num r = Marketing emails bounced
hs_email_first_send_date time r
hs_email_last_send_date time r
hs_email_first_open_date time r
hs_email_last_open_date time r
hs_email_first_click_date time r
hs_email_last_click_date time r
hs_email_first_reply_date time r
hs_email_last_reply_date time r
hs_email_last_email_name text r = Last marketing email name
hs_email_sends_since_last_engagement num r = Sends since last engagement
hs_email_optout bool r = Unsubscribed from all email
hs_email_bad_address bool r = Invalid email address
hs_email_hard_bounce_reason text r = Email hard bounce reason
hs_email_hard_bounce_reason_enum select r = Email hard bounce reason
hs_email_quarantined bool r = Email address quarantined
hs_email_quarantined_reason select r = Email address quarantine reason
hs_quarantined_emails area rh = Quarantined emails
hs_email_is_ineligible bool c = Is globally ineligible
hs_email_communication_subscriptions_opted_out checks r = Opted out of subscription types
hs_emailconfirmationstatus select r = Marketing email confirmation status
hs_marketable_status select r = Marketing contact status
hs_marketable_reason_id text r
hs_marketable_reason_type text r
hs_marketable_until_renewal select r
hs_legal_basis checks - = Legal basis for processing data

[scoring = Scores]
hubspotscore num c = Lead score
hs_predictivecontactscore_v2 num c = Likelihood to close
hs_predictivescoringtier select c = Contact priority

[deal_information = Deal information]
num_associated_deals num c = Number of associated deals
first_deal_created_date time c = First deal created date
recent_deal_close_date time c = Recent deal close date
recent_deal_amount num c = Recent deal amount
total_revenue num c = Total revenue
closedate time - = Close date
days_to_close num c = Days to close

[stage_stamps = Lifecycle stage dates]
hs_v2_date_entered_current_stage time c
hs_v2_time_in_current_stage time c
"""

COMPANIES = """
[companyinformation = Company information]
name text - = Company name
domain text - = Company domain name
hs_additional_domains area - = Additional domains
website text - = Website URL
phone phone - = Phone number
description area - = Description
industry text - = Industry
type select - = Type
numberofemployees num - = Number of employees
annualrevenue num - = Annual revenue
address text - = Street address
city text - = City
state text - = State/Region
zip text - = Postal code
country text - = Country/Region
timezone text - = Time zone
is_public bool - = Is public
lifecyclestage radio - = Lifecycle stage
hs_lead_status radio - = Lead status
hubspot_owner_id owner - = Company owner
hubspot_owner_assigneddate time r = Owner assigned date
hubspot_team_id select r = Team of the owner
hs_parent_company_id num - = Parent company
num_associated_contacts num c = Number of associated contacts
num_associated_deals num c = Number of associated deals
num_notes num r
num_contacted_notes num r
notes_last_contacted time r = Last contacted
notes_last_updated time r = Last activity date
hs_object_id num r = Record ID
createdate time r = Create date
hs_lastmodifieddate time r = Last modified date
hs_merged_object_ids checks r = Merged record IDs
hs_object_source_label select r = Record source
"""

DEALS = """
[dealinformation = Deal information]
dealname text - = Deal name
amount num - = Amount
amount_in_home_currency num c = Amount in company currency
deal_currency_code select - = Currency
pipeline select - = Pipeline
dealstage radio - = Deal stage
dealtype select - = Deal type
closedate time - = Close date
createdate time - = Create date
description area - = Deal description
hubspot_owner_id owner - = Deal owner
hubspot_owner_assigneddate time r = Owner assigned date
hubspot_team_id select r = Team of the owner
hs_is_closed bool c = Is closed
hs_is_closed_won bool c = Is closed won
hs_is_closed_lost bool c = Is closed lost
hs_deal_stage_probability num c = Deal probability
hs_v2_date_entered_current_stage time c
closed_lost_reason area - = Closed lost reason
closed_won_reason area - = Closed won reason
hs_analytics_source select r = Original traffic source
hs_next_step text - = Next step
hs_priority select - = Priority
num_associated_contacts num c = Number of associated contacts
num_notes num r
num_contacted_notes num r
notes_last_contacted time r = Last contacted
notes_last_updated time r = Last activity date
hs_object_id num r = Record ID
hs_createdate time r
hs_lastmodifieddate time r = Last modified date
hs_merged_object_ids checks r = Merged record IDs
"""

TICKETS = """
[ticketinformation = Ticket information]
subject text - = Ticket name
content area - = Ticket description
hs_pipeline select - = Pipeline
hs_pipeline_stage radio - = Ticket status
hs_ticket_priority select - = Priority
hubspot_owner_id owner - = Ticket owner
hubspot_owner_assigneddate time r = Owner assigned date
hubspot_team_id select r = Team of the owner
hs_object_id num r = Record ID
createdate time r = Create date
hs_lastmodifieddate time r = Last modified date
hs_merged_object_ids checks r = Merged record IDs
"""

_ENGAGEMENT = """
hs_timestamp time - = Activity date
hs_createdate time r = Create date
hs_lastmodifieddate time r = Last modified date
hs_object_id num r = Record ID
hs_activity_type text - = Activity type
hs_attachment_ids area - = Attached files
hs_created_by num r
hs_created_by_user_id num r
hs_merged_object_ids checks rh
hs_object_source_label select r = Record source
hubspot_owner_id owner - = Assigned to
hubspot_owner_assigneddate time r = Owner assigned date
hubspot_team_id select r = Team of the owner
"""

TASKS = """
hs_task_subject text - = Task title
hs_task_body html - = Task notes
hs_task_status select - = Task status
hs_task_priority select - = Priority
hs_task_type select - = Task type
hs_task_reminders text - = Reminders
hs_task_completion_date time r = Completed at
hs_task_is_completed num c
hs_queue_membership_ids area - = Queue
"""

CALLS = """
hs_call_title text - = Call title
hs_call_body html - = Call notes
hs_call_direction select - = Call direction
hs_call_disposition select - = Call outcome
hs_call_duration num - = Call duration
hs_call_from_number text - = From number
hs_call_to_number text - = To number
hs_call_recording_url text - = Recording
hs_call_status select - = Call status
"""

EMAILS = """
hs_email_subject text - = Email subject
hs_email_text area - = Email body
hs_email_html html - = Email body, HTML
hs_email_direction select - = Email direction
hs_email_status select - = Email send status
hs_email_headers area - = Email headers
hs_email_from_email text r = From
hs_email_to_email text r = To
hs_email_sender_email text r = Sender
hs_sequence_id num - = Sequence
"""

MEETINGS = """
hs_meeting_title text - = Meeting name
hs_meeting_body html - = Meeting description
hs_internal_meeting_notes html - = Internal notes
hs_meeting_external_url text - = External link
hs_meeting_location text - = Location
hs_meeting_start_time time - = Start
hs_meeting_end_time time - = End
hs_meeting_outcome select - = Outcome
hs_meeting_source select r = Source
"""

NOTES = """
hs_note_body html - = Note
"""

LEADS = """
hs_lead_name text - = Lead name
hs_lead_type select - = Lead type
hs_lead_label select - = Lead label
hs_pipeline select - = Pipeline
hs_pipeline_stage radio - = Pipeline stage
"""

LIFECYCLE_STAGES = (
    "subscriber=Subscriber lead=Lead marketingqualifiedlead=Marketing_Qualified_Lead "
    "salesqualifiedlead=Sales_Qualified_Lead opportunity=Opportunity customer=Customer evangelist=Evangelist "
    "other=Other"
)

# `value=Label`, separated by blanks; an underscore in a label is a blank; a label left out is the value in title case.
OPTIONS = {
    "lifecyclestage": LIFECYCLE_STAGES,
    "hs_lead_status": "NEW OPEN IN_PROGRESS OPEN_DEAL UNQUALIFIED ATTEMPTED_TO_CONTACT CONNECTED BAD_TIMING",
    "hs_language": (
        "en=English en-gb=English_-_United_Kingdom en-us=English_-_United_States pt=Portuguese "
        "pt-br=Portuguese_-_Brazil es=Spanish de=German fr=French it=Italian nl=Dutch pl=Polish sv=Swedish "
        "da=Danish fi=Finnish no=Norwegian cs=Czech ja=Japanese zh-cn=Chinese_-_China"
    ),
    "hs_timezone": (
        "utc=UTC europe_slash_london=Europe/London europe_slash_berlin=Europe/Berlin europe_slash_paris=Europe/Paris "
        "europe_slash_madrid=Europe/Madrid america_slash_new_york=America/New_York "
        "america_slash_chicago=America/Chicago america_slash_los_angeles=America/Los_Angeles "
        "america_slash_sao_paulo=America/Sao_Paulo asia_slash_tokyo=Asia/Tokyo asia_slash_kolkata=Asia/Kolkata "
        "australia_slash_sydney=Australia/Sydney"
    ),
    "numemployees": "1-5=1-5 5-25=5-25 25-50=25-50 50-100=50-100 100-500=100-500 500-1000=500-1000 1000+=1000+",
    "hs_analytics_source": (
        "ORGANIC_SEARCH PAID_SEARCH EMAIL_MARKETING SOCIAL_MEDIA REFERRALS OTHER_CAMPAIGNS DIRECT_TRAFFIC OFFLINE "
        "PAID_SOCIAL AI_REFERRALS"
    ),
    "hs_email_hard_bounce_reason_enum": "OTHER UNKNOWN_USER MAILBOX_FULL CONTENT SPAM POLICY FILTERED",
    "hs_email_quarantined_reason": "SUSPENSION_REMEDIATION BLOCKLIST_REMEDIATION TRUST_SAFETY_REMEDIATION",
    "hs_emailconfirmationstatus": "Confirmed Pending Unconfirmed",
    "hs_marketable_status": "true=Marketing_contact false=Non-marketing_contact",
    "hs_marketable_until_renewal": "true=Yes false=No",
    "hs_predictivescoringtier": "tier_1=Very_high tier_2=High tier_3=Medium tier_4=Low",
    "hs_sa_first_engagement_object_type": "CALL EMAIL MEETING_EVENT NOTE TASK",
    "hs_last_sales_activity_type": "CALL EMAIL_OPEN EMAIL_CLICK EMAIL_REPLY FORM_SUBMITTED MEETING_BOOKED PAGE_VISITED",
    "hs_legal_basis": (
        "Legitimate_interest_–_prospect/lead=Legitimate_interest_–_prospect/lead "
        "Freely_given_consent_from_contact=Freely_given_consent_from_contact "
        "Performance_of_a_contract=Performance_of_a_contract Not_applicable=Not_applicable"
    ),
    "hs_persona": "persona_1=Default_persona",
    "hs_object_source_label": "CRM_UI IMPORT FORM INTEGRATION CONTACTS SALES API MEETINGS",
    "hs_pipeline:contacts": "contacts-lifecycle-pipeline=Lifecycle_stage_pipeline",
    "pipeline:deals": "default=Sales_pipeline",
    "dealtype": "newbusiness=New_business existingbusiness=Existing_business",
    "deal_currency_code": "EUR=Euro USD=US_dollar GBP=Pound_sterling BRL=Brazilian_real",
    "hs_priority": "low medium high",
    "type:companies": "PROSPECT PARTNER RESELLER VENDOR OTHER",
    "hs_ticket_priority": "LOW MEDIUM HIGH URGENT",
    "hs_pipeline:tickets": "0=Support_pipeline",
    "hs_pipeline_stage:tickets": "1=New 2=Waiting_on_contact 3=Waiting_on_us 4=Closed",
    "hs_task_status": "NOT_STARTED IN_PROGRESS WAITING COMPLETED DEFERRED",
    "hs_task_priority": "NONE LOW MEDIUM HIGH",
    # HubSpot's own kinds of tasks.
    "hs_task_type": "TODO=To-do EMAIL CALL LINKED_IN MEETING",
    "hs_call_direction": "INBOUND OUTBOUND",
    "hs_call_disposition": (
        "f240bbac-87c9-4f6e-bf70-924b57d47db7=Connected 9d9162e7-6cf3-4944-bf63-4dff82258764=Busy "
        "73a0d17f-1163-4015-bdd5-ec830791da20=No_answer b2cf5968-551e-4856-9783-52b3da59a7d0=Left_voicemail "
        "a4c4c377-d246-4b32-a13b-75a56a4cd0ff=Left_live_message 17b47fee-58de-441e-a44c-c6300d46f273=Wrong_number"
    ),
    "hs_call_status": "COMPLETED IN_PROGRESS MISSED NO_ANSWER BUSY FAILED CANCELED QUEUED RINGING CONNECTING",
    "hs_email_direction": "EMAIL INCOMING_EMAIL FORWARDED_EMAIL",
    "hs_email_status": "SENT SENDING SCHEDULED FAILED BOUNCED",
    "hs_meeting_outcome": "SCHEDULED COMPLETED RESCHEDULED NO_SHOW CANCELED",
    "hs_meeting_source": "MEETINGS_PUBLIC CRM_UI BIDIRECTIONAL_API",
    "hs_lead_type": "NEW_BUSINESS=New_business RE_ATTEMPTING=Re-attempting UPSELL=Upsell",
    "hs_lead_label": "HOT WARM COLD",
    "hs_pipeline:leads": "lead-pipeline-id=Lead_pipeline",
    "hs_pipeline_stage:leads": (
        "new-stage-id=New attempting-stage-id=Attempting connected-stage-id=Connected "
        "qualified-stage-id=Qualified unqualified-stage-id=Disqualified"
    ),
}
OPTIONS["hs_latest_source"] = OPTIONS["hs_analytics_source"]

TABLES: dict[str, tuple[str, ...]] = {
    "contacts": (CONTACTS,),
    "companies": (COMPANIES,),
    "deals": (DEALS,),
    "tickets": (TICKETS,),
    "tasks": ("[task = Task information]", _ENGAGEMENT, TASKS),
    "calls": ("[call = Call information]", _ENGAGEMENT, CALLS),
    "emails": ("[email = Email information]", _ENGAGEMENT, EMAILS),
    "meetings": ("[meeting = Meeting information]", _ENGAGEMENT, MEETINGS),
    "notes": ("[note = Note information]", _ENGAGEMENT, NOTES),
    "leads": ("[lead_information = Lead information]", _ENGAGEMENT, LEADS),
}
