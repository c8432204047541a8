// Owns what each concept does: function words, units, numbers, months, aspects, audiences ...
#include <array>

#include "server/match/lexicon_tables.h"

namespace reprise::match {
namespace {

constexpr auto kClasses = std::to_array<ClassRow>({
    {trait::kFunction,
     "a an the of to in on at by for from with as is are was were be am been being do does did "
     "done have has had "
     "i you he she it we they me him them this that these those there here and or but if then "
     "than so "
     "can could will would shall should may might must into onto over under out up down off about "
     "through "
     "during until till while since within per via too also very just only own same such each "
     "every any some "
     "all both more most other another else again ever yet already still now when_ever let's am "
     "being its "
     "my your his her our their mine yours ours theirs one's myself yourself himself herself "
     "itself themselves "
     "between among across along against toward towards upon around because although though "
     "whether "
     "which who whom whose what where when why how not no nor never without before after instead "
     "much many few bit lot lots someone somebody anyone anybody everyone everybody something "
     "anything "
     "everything thing things stuff it's to. e.g i.e etc"},
    {trait::kQuestion,
     "what which who whom whose when where why how how_to how_many how_much how_long how_often "
     "how_old how_far "
     "how_big how_come what_is what_time what_kind_of"},
    {trait::kNegation,
     "not no never without neither nor none nothing nobody cannot no_longer hardly_any "
     "hardly_ever"},
    {trait::kFiller,
     "please thanks hello hi hey yo dear kindly lol btw really actually basically maybe sorry "
     "folks guys regards "
     "mate bro dude sir madam hmm um uh oh ok well pretty_much haha nah yeah yep yes imo tbh omg "
     "team greetings "
     "simply honestly literally anyway"},
    {trait::kWeak,
     "get make use want need way help know tell explain show give find mean work thing look try "
     "show happen "
     "do good kind like possible able possibly please question answer simple basic quick exact "
     "exactly "
     "currently usually normally generally mostly example detail details word words say says said "
     "come came "
     "put see seen saw let go want keep best top recommend list short brief introduction intro "
     "concept overview "
     "instruction tip method step information difference meaning describe define learn"},
    {trait::kFailure,
     "fail broken crash error problem refuse refused stuck unable deny denied reject rejected "
     "decline declined "
     "forbid prevent avoid lack missing lose forget impossible unresponsive dead stop not_working "
     "block blocked "
     "dangerous stop_working freeze wrong unavailable cannot ban absent illegal unpaid gone empty "
     "expired "
     "invalid unhealthy skip unless except disable off remove"},
    {trait::kNeutralNo, "know sure understand remember mind figure certain"},
    {trait::kFresh,
     "latest current currently newest recent recently live now today up-to-date nowadays right_now "
     "this_week "
     "tonight"},
    {trait::kRelativeTime,
     "today tomorrow yesterday tonight this_week next_week last_week this_month next_month "
     "last_month this_year "
     "next_year last_year this_weekend last_weekend next_weekend this_morning last_night right_now "
     "summer winter spring autumn weekend weekends weekdays christmas easter halloween "
     "thanksgiving ramadan"},
    {trait::kAspect,
     "cause symptom treat side_effect dosage dose price history benefit disadvantage risk risks "
     "example "
     "install uninstall recipe review reviews prevent diagnosis meaning origin purpose syntax "
     "performance security deadline eligibility penalty cancel renew refund warranty return "
     "password username "
     "population capital area language currency president author founder director height age "
     "weight speed "
     "size color temperature calorie calories protein ingredient ingredients nutrition battery "
     "phone_number address email opening hours schedule salary tax insurance visa weather climate "
     "religion flag "
     "anthem plot ending cast lyrics summary quote quotes birthday spouse wife husband children "
     "net_worth parents"},
    {trait::kAudience,
     "child baby toddler teenager adult beginner expert senior old_person student teacher parent "
     "parents "
     "women men man woman girl girls boy boys pregnant couple couples families family pet pets dog "
     "dogs cat "
     "cats developers developer employer employee freelancer freelancers nurse "
     "nurses driver "
     "drivers tourist tourists landlord landlords tenant tenants vegetarian puppy puppies kitten "
     "kittens "
     "foreigner foreigners immigrant immigrants citizen citizens"},
    {trait::kPlatform | trait::kVersioned,
     "windows linux ubuntu macos android ios iphone ipad macbook mac chrome firefox safari "
     "chromebook "
     "playstation xbox nintendo fedora debian centos"},
    {trait::kLanguage,
     "english spanish french german italian portuguese russian chinese mandarin japanese korean "
     "arabic hindi "
     "turkish dutch polish swedish norwegian danish finnish greek hebrew thai vietnamese ukrainian "
     "latin czech "
     "hungarian romanian bengali urdu persian swahili indonesian cantonese"},
    {trait::kLanguage | trait::kVersioned,
     "python java javascript typescript c++ c# golang rust ruby php perl kotlin swift scala "
     "haskell lua matlab "
     "fortran cobol julia dart elixir bash powershell sql"},
    {trait::kVersioned,
     "version changelog angular react vue node node.js django flask spring kubernetes docker "
     "postgresql "
     "mysql redis "
     "windows office excel gpt chatgpt llama galaxy pixel bootstrap laravel rails jdk gcc clang "
     "unity unreal "
     "blender photoshop wordpress v release"},
    {trait::kDiet,
     "vegan vegetarian gluten-free dairy-free sugar-free keto paleo halal kosher lactose-free "
     "nut-free organic "
     "low-carb decaf raw"},
    {trait::kTask,
     "translate summarize summarise rewrite write compare compose paraphrase proofread generate "
     "calculate "
     "convert plot draw debug refactor optimize classify brainstorm outline critique simplify"},
    {trait::kRank,
     "best worst most least cheapest fastest slowest oldest youngest newest tallest shortest "
     "longest strongest "
     "weakest easiest hardest safest better worse cheaper faster slower older younger taller "
     "shorter longer "
     "stronger weaker easier harder safer bigger smaller larger heavier lighter warmer colder "
     "hotter cooler "
     "higher deeper wider narrower richer poorer healthier minimum maximum average"},
    {trait::kFunction, "at_least at_most"},
    {trait::kPlace,
     "united_states united_kingdom european_union germany france spain italy portugal poland "
     "sweden norway "
     "denmark finland netherlands belgium austria switzerland greece turkey russia ukraine china "
     "japan korea "
     "india pakistan thailand vietnam indonesia malaysia singapore philippines australia zealand "
     "canada mexico "
     "brazil argentina chile peru colombia egypt morocco nigeria kenya israel iran iraq ireland "
     "scotland wales "
     "england hungary romania bulgaria croatia serbia iceland london paris berlin rome madrid "
     "lisbon vienna "
     "oslo stockholm copenhagen amsterdam brussels prague budapest warsaw athens istanbul moscow "
     "tokyo kyoto "
     "osaka beijing shanghai seoul delhi mumbai bangkok sydney melbourne toronto vancouver "
     "montreal chicago "
     "boston seattle houston dallas miami denver austin california texas florida ohio nevada "
     "hawaii alaska "
     "europe asia africa dubai milan munich hamburg barcelona new_york_city los_angeles "
     "san_francisco zurich "
     "geneva dublin manchester liverpool edinburgh venice florence naples virginia georgia arizona "
     "oregon"},
    {trait::kFuture, "gonna going_to upcoming"},
    {trait::kPerson, "my your his her our their"},
    {trait::kCurrency,
     "dollar euro pound_sterling yen rupee yuan franc krona peso ruble won bitcoin ether cent"},
});

constexpr auto kValues = std::to_array<ValueRow>({
    {trait::kNumber, Dimension::kNone, 0, "zero"},
    {trait::kNumber, Dimension::kNone, 1, "one"},
    {trait::kNumber, Dimension::kNone, 1, "single"},
    {trait::kNumber, Dimension::kNone, 2, "two"},
    {trait::kNumber, Dimension::kNone, 3, "three"},
    {trait::kNumber, Dimension::kNone, 4, "four"},
    {trait::kNumber, Dimension::kNone, 5, "five"},
    {trait::kNumber, Dimension::kNone, 6, "six"},
    {trait::kNumber, Dimension::kNone, 7, "seven"},
    {trait::kNumber, Dimension::kNone, 8, "eight"},
    {trait::kNumber, Dimension::kNone, 9, "nine"},
    {trait::kNumber, Dimension::kNone, 10, "ten"},
    {trait::kNumber, Dimension::kNone, 11, "eleven"},
    {trait::kNumber, Dimension::kNone, 12, "twelve"},
    {trait::kNumber, Dimension::kNone, 12, "dozen"},
    {trait::kNumber, Dimension::kNone, 13, "thirteen"},
    {trait::kNumber, Dimension::kNone, 14, "fourteen"},
    {trait::kNumber, Dimension::kNone, 15, "fifteen"},
    {trait::kNumber, Dimension::kNone, 16, "sixteen"},
    {trait::kNumber, Dimension::kNone, 17, "seventeen"},
    {trait::kNumber, Dimension::kNone, 18, "eighteen"},
    {trait::kNumber, Dimension::kNone, 19, "nineteen"},
    {trait::kNumber, Dimension::kNone, 20, "twenty"},
    {trait::kNumber, Dimension::kNone, 30, "thirty"},
    {trait::kNumber, Dimension::kNone, 40, "forty"},
    {trait::kNumber, Dimension::kNone, 50, "fifty"},
    {trait::kNumber, Dimension::kNone, 60, "sixty"},
    {trait::kNumber, Dimension::kNone, 70, "seventy"},
    {trait::kNumber, Dimension::kNone, 80, "eighty"},
    {trait::kNumber, Dimension::kNone, 90, "ninety"},
    {trait::kNumber, Dimension::kNone, 100, "hundred"},
    {trait::kNumber, Dimension::kNone, 1e3, "thousand"},
    {trait::kNumber, Dimension::kNone, 1e6, "million millions mln"},
    {trait::kNumber, Dimension::kNone, 1e9, "billion billions bn"},
    {trait::kNumber, Dimension::kNone, 1e12, "trillion"},
    {trait::kNumber, Dimension::kNone, 0.5, "half"},
    {trait::kNumber, Dimension::kNone, 0.25, "quarter"},
    {trait::kNumber, Dimension::kNone, 2, "twice"},
    {trait::kNumber, Dimension::kNone, 2, "double"},
    {trait::kNumber, Dimension::kNone, 3, "triple"},
    {trait::kNumber, Dimension::kNone, 2, "pair"},
    {trait::kNumber | trait::kOrdinal, Dimension::kNone, 1, "first"},
    {trait::kNumber | trait::kOrdinal, Dimension::kNone, 3, "third"},
    {trait::kNumber | trait::kOrdinal, Dimension::kNone, 4, "fourth"},
    {trait::kNumber | trait::kOrdinal, Dimension::kNone, 5, "fifth"},
    {trait::kNumber | trait::kOrdinal, Dimension::kNone, 6, "sixth"},
    {trait::kNumber | trait::kOrdinal, Dimension::kNone, 7, "seventh"},
    {trait::kNumber | trait::kOrdinal, Dimension::kNone, 8, "eighth"},
    {trait::kNumber | trait::kOrdinal, Dimension::kNone, 9, "ninth"},
    {trait::kNumber | trait::kOrdinal, Dimension::kNone, 10, "tenth"},
    {trait::kNumber | trait::kOrdinal, Dimension::kNone, 20, "twentieth"},
    {trait::kMonth, Dimension::kNone, 1, "january jan"},
    {trait::kMonth, Dimension::kNone, 2, "february feb"},
    {trait::kMonth, Dimension::kNone, 3, "march mar"},
    {trait::kMonth, Dimension::kNone, 4, "april"},
    {trait::kMonth, Dimension::kNone, 5, "may_month"},
    {trait::kMonth, Dimension::kNone, 6, "june jun"},
    {trait::kMonth, Dimension::kNone, 7, "july jul"},
    {trait::kMonth, Dimension::kNone, 8, "august aug"},
    {trait::kMonth, Dimension::kNone, 9, "september sep sept"},
    {trait::kMonth, Dimension::kNone, 10, "october oct"},
    {trait::kMonth, Dimension::kNone, 11, "november nov"},
    {trait::kMonth, Dimension::kNone, 12, "december dec"},
    {trait::kWeekday, Dimension::kNone, 1, "monday mon mondays"},
    {trait::kWeekday, Dimension::kNone, 2, "tuesday tue tues tuesdays"},
    {trait::kWeekday, Dimension::kNone, 3, "wednesday wednesdays"},
    {trait::kWeekday, Dimension::kNone, 4, "thursday thu thurs thursdays"},
    {trait::kWeekday, Dimension::kNone, 5, "friday fri fridays"},
    {trait::kWeekday, Dimension::kNone, 6, "saturday sat saturdays"},
    {trait::kWeekday, Dimension::kNone, 7, "sunday sun_day sundays"},
    {trait::kUnit | trait::kTimeUnit, Dimension::kTime, 1e-3,
     "millisecond milliseconds ms msec millis"},
    {trait::kUnit | trait::kTimeUnit, Dimension::kTime, 1e-6, "microsecond microseconds us_unit"},
    {trait::kUnit | trait::kTimeUnit, Dimension::kTime, 1, "seconds sec secs"},
    {trait::kUnit | trait::kTimeUnit, Dimension::kTime, 60, "minute minutes mins"},
    {trait::kUnit | trait::kTimeUnit, Dimension::kTime, 3600, "hour hours hr_unit hrs"},
    {trait::kUnit | trait::kTimeUnit, Dimension::kTime, 86400, "day days daily"},
    {trait::kUnit | trait::kTimeUnit, Dimension::kTime, 604800, "week weeks wk wks weekly"},
    {trait::kUnit | trait::kTimeUnit, Dimension::kTime, 2629800, "month months monthly mo mos"},
    {trait::kUnit | trait::kTimeUnit, Dimension::kTime, 31557600,
     "year years yr yrs yearly annual annually"},
    {trait::kUnit | trait::kTimeUnit, Dimension::kTime, 315576000, "decade decades"},
    {trait::kUnit | trait::kTimeUnit, Dimension::kTime, 3155760000.0, "century centuries"},
    {trait::kUnit, Dimension::kMass, 1, "gram grams gr gramme grammes"},
    {trait::kUnit, Dimension::kMass, 1000, "kg kilogram kilograms kilo kilos kgs"},
    {trait::kUnit, Dimension::kMass, 1e-3, "mg milligram milligrams"},
    {trait::kUnit, Dimension::kMass, 1e-6, "mcg microgram micrograms"},
    {trait::kUnit, Dimension::kMass, 453.59237, "lb lbs pound pounds"},
    {trait::kUnit, Dimension::kMass, 28.349523125, "oz ounce ounces"},
    {trait::kUnit, Dimension::kMass, 6350.29318, "stone"},
    {trait::kUnit, Dimension::kMass, 1e6, "ton tons tonne tonnes"},
    {trait::kUnit, Dimension::kLength, 1, "metre meter meters metres"},
    {trait::kUnit, Dimension::kLength, 1000, "km kilometer kilometers kilometre kilometres kms"},
    {trait::kUnit, Dimension::kLength, 0.01, "cm centimeter centimeters centimetre centimetres"},
    {trait::kUnit, Dimension::kLength, 1e-3, "mm millimeter millimeters millimetre millimetres"},
    {trait::kUnit, Dimension::kLength, 1609.344, "mile miles"},
    {trait::kUnit, Dimension::kLength, 0.3048, "ft foot feet"},
    {trait::kUnit, Dimension::kLength, 0.0254, "inch inches"},
    {trait::kUnit, Dimension::kLength, 0.9144, "yard yards"},
    {trait::kUnit, Dimension::kArea, 1,
     "square_metre square_metres square_meter square_meters sq_m sqm m2"},
    {trait::kUnit, Dimension::kArea, 0.09290304, "square_foot square_feet sq_ft sqft sq_feet"},
    {trait::kUnit, Dimension::kTorque, 1, "newton_metre newton_metres newton_meter newton_meters"},
    {trait::kUnit, Dimension::kVolume, 1, "litre liter liters litres ltr"},
    {trait::kUnit, Dimension::kVolume, 1e-3, "ml milliliter milliliters millilitre millilitres"},
    {trait::kUnit, Dimension::kVolume, 3.785411784, "gallon gallons gal"},
    {trait::kUnit, Dimension::kVolume, 0.2365882365, "cup cups"},
    {trait::kUnit, Dimension::kVolume, 0.01478676478125, "tbsp tablespoon tablespoons"},
    {trait::kUnit, Dimension::kVolume, 0.00492892159375, "tsp teaspoon teaspoons"},
    {trait::kUnit, Dimension::kVolume, 0.473176473, "pint pints"},
    {trait::kUnit, Dimension::kVolume, 0.946352946, "quart quarts"},
    {trait::kUnit, Dimension::kData, 1, "byte bytes"},
    {trait::kUnit, Dimension::kData, 0.125, "bit_unit bits"},
    {trait::kUnit, Dimension::kData, 1e3, "kb kilobyte kilobytes kib"},
    {trait::kUnit, Dimension::kData, 1e6, "mb megabyte megabytes mib"},
    {trait::kUnit, Dimension::kData, 1e9, "gb gigabyte gigabytes gig gigs gib"},
    {trait::kUnit, Dimension::kData, 1e12, "tb terabyte terabytes tib"},
    {trait::kUnit, Dimension::kData, 125e3, "mbps mbit megabit megabits"},
    {trait::kUnit, Dimension::kData, 125e6, "gbps gbit gigabit gigabits"},
    {trait::kUnit, Dimension::kSpeed, 1,
     "km/h kmh kph kilometers_per_hour kilometres_per_hour km_per_hour"},
    {trait::kUnit, Dimension::kSpeed, 1.609344, "mph miles_per_hour"},
    {trait::kUnit, Dimension::kSpeed, 3.6, "m/s meters_per_second metres_per_second"},
    {trait::kUnit, Dimension::kTemperature, 1,
     "celsius centigrade °c degrees_celsius degree_celsius degrees_c celcius"},
    {trait::kUnit, Dimension::kTemperature, 2, "fahrenheit °f degrees_fahrenheit degrees_f"},
    {trait::kUnit, Dimension::kTemperature, 3, "kelvin"},
    {trait::kUnit, Dimension::kPower, 1, "watt watts"},
    {trait::kUnit, Dimension::kPower, 1000, "kw kilowatt kilowatts"},
    {trait::kUnit, Dimension::kPower, 3.6e6, "kwh kilowatt_hours"},
    {trait::kUnit, Dimension::kPower, 0.5, "mah"},
    {trait::kUnit, Dimension::kPower, 0.25, "volt volts"},
    {trait::kUnit, Dimension::kPower, 0.75, "hz hertz"},
    {trait::kUnit, Dimension::kPower, 2e9, "ghz gigahertz"},
    {trait::kUnit, Dimension::kPower, 2e6, "mhz megahertz"},
    {trait::kUnit, Dimension::kShare, 1, "percent % per_cent pct"},
    {trait::kUnit, Dimension::kShare, 2, "calorie calories kcal"},
    {trait::kUnit | trait::kCurrency, Dimension::kNone, 0,
     "dollar dollars usd $ bucks buck us_dollar us_dollars"},
    {trait::kUnit | trait::kCurrency, Dimension::kNone, 0, "euro euros eur €"},
    {trait::kUnit | trait::kCurrency, Dimension::kNone, 0, "pound_sterling gbp £ quid"},
    {trait::kUnit | trait::kCurrency, Dimension::kNone, 0, "yen jpy ¥"},
    {trait::kUnit | trait::kCurrency, Dimension::kNone, 0, "rupee rupees inr ₹"},
    {trait::kUnit | trait::kCurrency, Dimension::kNone, 0, "yuan cny rmb"},
    {trait::kUnit | trait::kCurrency, Dimension::kNone, 0, "franc francs chf"},
    {trait::kUnit | trait::kCurrency, Dimension::kNone, 0, "krona kronor krone sek nok dkk"},
    {trait::kUnit | trait::kCurrency, Dimension::kNone, 0, "peso pesos mxn"},
    {trait::kUnit | trait::kCurrency, Dimension::kNone, 0, "ruble rubles rub"},
    {trait::kUnit | trait::kCurrency, Dimension::kNone, 0, "zloty pln"},
    {trait::kUnit | trait::kCurrency, Dimension::kNone, 0, "cad canadian_dollar canadian_dollars"},
    {trait::kUnit | trait::kCurrency, Dimension::kNone, 0,
     "aud australian_dollar australian_dollars"},
    {trait::kUnit | trait::kCurrency, Dimension::kNone, 0, "cent cents"},
    {trait::kCurrency, Dimension::kNone, 0, "bitcoin btc bitcoins"},
    {trait::kCurrency, Dimension::kNone, 0, "ether eth ethereum"},
});

}  // namespace

std::span<const ClassRow> ClassRows() {
  return kClasses;
}

std::span<const ValueRow> ValueRows() {
  return kValues;
}

}  // namespace reprise::match
