// Owns the lines of words and phrases that mean the same.
#include "server/match/lexicon_tables.h"

namespace reprise::match {
namespace {

// Irregular forms and nominalisations, then spelling variants and abbreviations, then synonyms.
constexpr std::string_view kSynonyms = R"(
i me myself
opt_in opting_in opted_in
opt_out opting_out opted_out
be is are was were been being am
have has had having
do does did done doing
go goes went gone going
get gets got gotten getting obtain obtains obtaining receive receives received
buy buys bought buying purchase purchased purchasing purchases
sell sells sold selling sale
pay pays paid paying payment payments
make makes made making
take takes took taken taking
give gives gave given giving
write writes wrote written writing
read reads reading
send sends sent sending
build builds built building
keep keeps kept keeping retain retained
lose loses lost losing loss
find finds finding
leave leaves left leaving
begin begins began begun beginning start starts started starting commence
stop stops stopped stopping cease
quit quits quitting
break breaks broke breaking
broken busted
choose chooses chose chosen choosing choice select selects selecting selection pick picks picking
know knows knew known knowing
grow grows grew grown growing growth
eat eats ate eaten eating
drink drinks drank drunk drinking
sleep sleeps slept sleeping asleep
drive drives drove driven driving
fly flies flew flown flying flight flights
run runs ran running
swim swims swam swum swimming
teach teaches taught teaching
think thinks thought thinking
feel feels felt feeling
meet meets met meeting meetings
win wins won winning
draw draws drew drawn drawing
fall falls fell fallen falling
rise rises rose risen rising
speak speaks spoke spoken speaking talk talks talked talking
wear wears wore worn wearing
steal steals stole stolen stealing theft
bite bites bit bitten biting
hide hides hid hidden hiding
freeze freezes froze frozen freezing
die dies died dying dead death deaths
be_born born birth
child children kid kids
man men
woman women
person people persons
foot feet
tooth teeth
mouse mice
wife wives
life lives
knife knives
difference differences different differ differs distinguish distinction
translation translate translates translated translating
convert converts converted converting conversion
install installs installed installing installation setup set_up
subscribe subscribes subscribed subscribing subscription subscriptions
cancel cancels canceled cancelled canceling cancelling cancellation
decide decides decided decision decisions
describe describes described describing description
explain explains explained explaining explanation
define defines defined defining definition
compare compares compared comparing comparison
apply applies applied applying application applications
analyze analyse analyzes analyzing analysing analysis
calculate calculates calculated calculating calculation compute computes computed computing
prove proves proof
solve solves solved solving solution solutions
recommend recommends recommended recommending recommendation recommendations suggest suggests suggested suggestion suggestions
register registers registered registering registration sign_up signup enroll enrol enrolment
renew renews renewed renewal
approve approves approved approval
deliver delivers delivered delivery
arrive arrives arrived arrival
depart departs departed departure
allow allows allowed allowing permit permits permitted permissible let
forbid forbids forbidden prohibit prohibited prohibits ban banned
prevent prevents prevented prevention
use uses used using usage utilize utilise
weigh weighs weighed weight
high height tall
long length
deep depth
wide width
strong strength
hot heat
old age aged
color colour colors colours
center centre
organize organise organization organisation
optimize optimise optimization optimisation
favorite favourite favorites favourites
license licence
grey gray
theater theatre
check cheque cheques checks
tire tyre tires tyres
program programme programs programmes
behavior behaviour
neighbor neighbour
honor honour
labor labour
traveling travelling travel travels
mom mum mother mommy mama
dad father daddy papa
grandma grandmother granny
grandpa grandfather
sibling siblings
doctor dr physician doctors
mister mr
ok okay alright
information info
picture pic pics pictures photo photos photograph image images
versus vs
database db databases
javascript js
typescript ts
python py python3
kubernetes k8s
postgresql postgres psql pg
machine_learning ml
artificial_intelligence ai
large_language_model llm llms large_language_models
natural_language_processing nlp
new_york_city nyc new_york
los_angeles la
san_francisco sf
united_states usa us u.s u.s.a united_states_of_america america
united_kingdom uk u.k great_britain britain
european_union eu
shia shiite shiites shi'ite shi'a
soviet_union ussr soviets
father_christmas santa_claus santa
oscar oscars academy_award academy_awards
united_nations un
laptop laptops notebook_computer
phone phones telephone cellphone cell_phone mobile_phone smartphone mobile
television tv tvs telly
refrigerator fridge
automobile car cars auto autos
bicycle bike bikes
motorcycle motorbike
airplane plane aeroplane aircraft
apartment flat apartments
vacation holiday holidays vacations
advertisement ad ads advert
application_program app apps
administrator admin
configuration config configure configured configuring
document documents doc docs documentation
repository repo repos
directory folder folders dir directories
environment env
function func functions
parameter param params parameters argument arguments
variable var variables
string str strings
integer int integers
boolean bool
dictionary dict dictionaries
number num numbers
message msg messages
password pw passwd passwords passcode
username login_name user_name
identification id ident identifier identifiers
id_card identity_card identification_card id_cards identity_cards
account acct accounts
department dept
government govt
university uni college
professor prof
laboratory lab
temperature temp
minimum min least lowest smallest
maximum max highest largest biggest greatest
average avg mean_value
approximately approx roughly
quantity qty
address addr addresses
appointment appt appointments
assistant asst
company companies co firm corp corporation business businesses
without w/o w/out
nobody no_one no-one noone
nothing nothin nothign
only nothing_but none_but nothing_except
no_longer not_any_longer not_any_more not_anymore
instead in_place_of in_lieu_of rather_than
alternative alternatives
with w/
because bc cuz coz because_of due_to
between btwn
before b4
tomorrow tmrw tmr
tonight tonite
you u ya
your ur
please pls plz
thanks thx thank ty
what wat wht
how hw
important essential crucial vital
bigger larger
smaller tinier littler
cheapest least_expensive lowest_price lowest_priced lowest_cost least_costly most_affordable
cheaper less_expensive less_costly
fastest quickest most_quickly
faster quicker more_quickly
hardest toughest most_difficult trickiest
harder more_difficult tougher
easiest simplest
at_least no_less_than
at_most no_more_than
large big huge
small little tiny
fast quick quickly rapid rapidly
slow slowly sluggish
easy simple easily simply
difficult hard tough
cheap inexpensive affordable
expensive costly pricey
sad unhappy
angry mad furious
sick ill illness unwell
tired exhausted fatigued
smart intelligent clever
funny humorous
scary frightening
beautiful pretty gorgeous
correct right proper correctly properly
wrong incorrect incorrectly
rich wealthy
free_of_charge for_free at_no_cost no_cost without_charge at_no_charge no_charge costs_nothing cost_nothing free_of_cost
price cost costs prices pricing
money cash
salary wage wages
job jobs position employment
employer employers
boss manager managers bosses supervisor
maximize maximise maximizing maximising
summarize summarise summarized summarised summarizing summarising
minimize minimise minimizing minimising
two_factor_authentication 2fa two_step_verification mfa
playstation ps
recognize recognise recognized recognised
wwii ww2 second_world_war world_war_2 world_war_ii world_war_two
wwi ww1 first_world_war world_war_1 world_war_i world_war_one
pregnant_woman expecting_a_baby
british_people british brits
hundred_percent fully
free_to_play f2p
world_health_organization who_organization
for_example e.g
usb_stick thumb_drive flash_drive pendrive usb_drive
impolite rude
reservation reservations
wheel wheels
substract subtract
employee worker workers employees staff
firing fire fired dismiss dismissed dismissal
hire hires hired hiring recruit recruiting
resign resignation
customer client customers clients
invoice bill invoices bills
refund refunds refunded reimburse reimbursed reimbursement money_back
fee fees charge charges
discount discounts coupon promo_code
ship shipping ships shipped shipment
order orders ordered ordering
product products item items
shop store shops stores
end ends ended ending finish finishes finished finishing complete completed completing
delete deletes deleted deleting deletion erase erased erasing
remove removes removed removing removal get_rid_of gets_rid_of got_rid_of getting_rid_of eliminate eliminated eliminating
fix fixes fixed fixing repair repairs repaired repairing mend
error errors bug bugs
problem problems issue issues trouble troubles
fail fails failed failing failure
crash crashes crashed crashing
change changes changed changing modify modifies modified modifying alter edit edits editing edited
update updates updated updating upgrade upgraded upgrading
replace replaces replaced replacing replacement substitute substitutes substitution
create creates created creating creation
show shows showed shown showing display displays displayed displaying
look looks looked looking
search searches searching searched look_for
try tries tried trying attempt
help helps helped helping assist assistance
need needs needed require requires required requirement requirements
want wants wanted wish
like likes liked
improve improves improved improving improvement enhance enhances boost boosting
increase increases increased increasing raise raises raised raising
decrease decreases decreased decreasing reduce reduces reduced reducing reduction lower lowering lowers
enable enables enabled enabling turn_on switch_on turned_on activate activates activated activating activation
disable disables disabled disabling turn_off switch_off turned_off deactivate deactivates deactivated deactivating deactivation
connect connects connected connecting connection connectivity
disconnect disconnects disconnected disconnecting
join joins joined joining
combine combines combined combining merge merges merged merging
split splits splitting
sort sorts sorted sorting
reverse reverses reversed reversing
copy copies copied copying duplicate_copy
move moves moved moving relocate
rename renames renamed renaming
download downloads downloaded downloading
upload uploads uploaded uploading
import imports imported importing
export exports exported exporting
open opens opened opening
close closes closed closing shut
lock locks locked locking
unlock unlocks unlocked unlocking
login log_in logging_in logged_in sign_in signin signing_in log_on
logout log_out logging_out logged_out sign_out signout
restart reboot restarts rebooting restarting reboots
reset resets resetting
back_up backup backups
recover recovers recovered recovering recovery restore restores restored restoring retrieve
forget forgot forgotten forgets forgetting
remember remembers remembered
learn learns learned learnt learning study studies studying studied
test tests testing tested exam exams examination
school schools
student students pupil pupils
teacher teachers instructor
cook cooks cooked cooking prepare prepares prepared preparing preparation
bake bakes baked baking
boil boils boiled boiling
clean cleans cleaned cleaning wash washes washed washing
plant plants planted planting
baby babies infant infants newborn newborns
toddler toddlers
teenager teenagers teen teens adolescent adolescents
adult adults grown_up grownups
beginner beginners newbie newbies novice novices noob
expert experts advanced professional professionals
symptom symptoms
sign signs
cause causes caused causing reason reasons lead_to result_in
treat treats treated treating treatment treatments cure cures remedy remedies therapy
side_effect side_effects adverse_effects
effect effects affect affects affected impact impacts influence influences
benefit benefits advantage advantages pros upside perks
disadvantage disadvantages drawback drawbacks cons downside downsides
medicine medicines medication medications drug drugs
pregnant pregnancy expecting_baby
pain ache aches painful hurt hurts hurting sore
disease diseases
exercise exercises workout workouts
diet diets
lose_weight weight_loss slim_down
meaning means mean meant stand_for stands_for
example examples sample instance_of
tip tips advice hints hint pointers
method methods technique techniques approach approaches
instruction instructions guide guides tutorial tutorials walkthrough how-to howto
idea ideas
story stories tale
poem poems
letter letters
e-mail email emails mail mails e_mail
website websites site sites web_site webpage web_page
internet web online
movie movies film films
song songs
book books novel novels
game games
recipe recipes
restaurant restaurants
hotel hotels
airport airports
ticket tickets
trip trips journey
place places location locations
city cities
town towns
country countries nation nations
world earth globe
capital capitals
population inhabitants
river rivers
mountain mountains
history_of history historical
found_company founded founder founders founding
invent invents invented inventor inventing invention
author authors
president presidents
leader leaders
law laws legal legally legislation
tax taxes
insurance insurances
loan loans
mortgage mortgages
bank banks
card cards
withdraw withdraws withdrawal withdrawals withdrawing
deposit deposits deposited depositing pay_in paid_in
transfer transfers transferred transferring
exchange_rate conversion_rate
stock stocks share_price
invest invests investing investment investments
save saves saved saving
nearest closest nearby near_me
gas_station petrol_station
top best
good great nice decent
bad poor terrible awful
old_person senior elderly seniors
dog dogs doggo
cat cats kitty
file files
list lists listing
table tables
column columns
row rows
array arrays
class classes
object objects
loop loops
count counts counting
sum total totals
equal equals equality
empty blank
duplicate duplicates duplicated
unique distinct
line lines
character characters char chars
word words
space spaces whitespace
key keys
value values
query queries
server servers
computer computers pc pcs
screen screens monitor
keyboard keyboards
battery batteries
charger chargers
cable cables cord
browser browsers
wi-fi wifi wi_fi wireless
bluetooth bt
hard_drive hdd hard_disk
operating_system os
user_interface ui
graphics_card gpu
central_processing_unit cpu processor
frequently_asked_questions faq faqs
as_soon_as_possible asap
do_it_yourself diy
do_not_know dunno
want_to wanna
going_to gonna
got_to gotta
give_me gimme
science_fiction sci-fi scifi sci_fi
object_oriented_programming oop object-oriented object_oriented
global_interpreter_lock gil
human_resources hr
return_on_investment roi
annual_percentage_rate apr
curriculum_vitae cv resume
chief_executive_officer ceo
frequently often regularly
safe safely safety
dangerous unsafe danger
possible possibly
impossible unachievable
happen happens happened occur occurs occurred take_place
job_interview interview interviews
contain contains containing include includes including included
famous well-known well_known
healthy health
rule rules regulation regulations
step steps
kind kinds type types sort_of kind_of
various several
method_of way ways
phone_number telephone_number
speed speeds velocity
area areas region regions
gas petrol gasoline
garbage trash rubbish waste
cookie cookies biscuit biscuits
candy sweets
fall_season autumn
couch sofa sofas
pants trousers
sneakers trainers
diaper diapers nappy nappies
stroller pram pushchair
pacifier dummy
zip_code postal_code postcode zipcode
drugstore pharmacy chemist
attorney lawyer lawyers attorneys
)";

// What begins a question, and politeness. The first of a line is its canonical form; a line that
// begins with '-' holds fillers.
constexpr std::string_view kPhrases = R"(
how_to how_do_i how_do_you how_do_we how_can_i how_can_you how_can_we how_can_one how_does_one how_should_i how_could_i how_would_i how_would_you ways_to way_to what_is_the_best_way_to what_is_a_good_way_to what_are_ways_to best_way_to steps_to what_should_i_do_to how_am_i_supposed_to tips_for tips_on how_do_people how_might_i how_2 what_can_i_do_to is_there_a_way_to can_you_tell_me_how_to
how_many what_number_of
how_much what_amount_of
how_long how_much_time
how_often how_frequently
how_old what_age at_what_age
how_far what_distance
how_big what_size
how_come for_what_reason what_is_the_reason
what_is what_are what_was what_were tell_me_about tell_me_more_about tell_us_about explain_what define give_me_an_overview_of overview_of what_do_you_know_about what_does_it_mean
what_time at_what_time
what_kind_of what_type_of what_sort_of which_kind_of which_type_of
stop_working stopped_working not_working
- could_you can_you would_you will_you could_you_please can_you_please can_u i_would_like_to_know i_would_like_to i_want_to_know i_want_to i_need_to i_was_wondering i_wonder do_you_know does_anyone_know let_me_know i_am_trying_to i_am_looking_for i_need_help_with help_me thank_you thanks_in_advance good_morning good_evening good_afternoon kind_regards best_regards in_advance just_curious quick_question i_have_a_question is_it_possible_to no_hard_feelings out_of_curiosity if_you_do_not_mind why_do_you_not excuse_me by_the_way as_well at_all i_do_not_know_how_to i_do_not_know_if not_sure_how_to not_sure_if oh_no in_plain_english in_simple_terms in_simple_words eli5 whether_or_not or_not no_idea if_possible
)";

}  // namespace

std::string_view SynonymLines() {
  return kSynonyms;
}

std::string_view PhraseLines() {
  return kPhrases;
}

}  // namespace reprise::match
