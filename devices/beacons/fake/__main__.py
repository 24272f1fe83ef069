from devices.beacons.fake.command import main

main()
